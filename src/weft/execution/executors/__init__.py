"""Executors, named by where steps run."""
