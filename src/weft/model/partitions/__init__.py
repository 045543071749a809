"""Partitions as arithmetic: spaces of keys, mappings between them, sets of them as compressed integers."""
