"""The life of a run, one verb per file."""
