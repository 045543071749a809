"""Configuration is wrong in several places: an op, a resource, a logger."""

from weft import Field, job, op, resource


@resource(config_schema={"host": str, "port": Field(int, default_value=5432)})
def database(context):
    return context.resource_config


@op(config_schema={"rows": int}, required_resource_keys={"database"})
def load(context): ...


@job(resource_defs={"database": database})
def nightly():
    load()


nightly.execute_in_process(
    {
        "ops": {"load": {"config": {"rows": "ten"}}, "laod": {}},
        "resources": {"database": {"config": {"hots": "db"}}},
        "loggers": {"consol": {}},
    }
)
