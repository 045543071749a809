"""A configuration file is indented with a tab."""

from weft import config_from_files

(here / "prod.yaml").write_text("ops:\n\tload: {}\n")  # noqa: F821
config_from_files([str(here / "prod.yaml")])  # noqa: F821
