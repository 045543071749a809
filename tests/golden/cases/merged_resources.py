"""Two definitions bring different resources under one key."""

from weft import Definitions

Definitions.merge(Definitions(resources={"db": "sqlite"}), Definitions(resources={"db": "postgres"}))
