"""A config mapping is given configuration instead of a function."""

from weft import ConfigMapping

ConfigMapping({"load": {"config": {"rows": 1}}})
