"""Configuration: its schema, its validation, environment variables and secrets.

`schema` is the algebra of config types as plain values; `validation` checks values against it, all problems at once; `env` names environment
variables without reading them; `run_config` is the document a run takes. Only `models` (classes that users write) needs pydantic, and
nothing else here imports it.
"""
