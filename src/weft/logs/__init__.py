"""Captured output of runs: what user code wrote to stdout and stderr, kept in files, shown live, read in slices."""
