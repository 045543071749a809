"""The version of weft, read by the build and by ``weft --version``."""

__version__ = "0.1.0.dev0"
