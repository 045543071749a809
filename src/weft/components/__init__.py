"""Definitions that a project declares in a folder: YAML documents that fill in typed building blocks, and Python modules beside them."""
