"""One module for each technology. Each imports its library where it is used, so that one which is not installed disturbs nobody else."""
