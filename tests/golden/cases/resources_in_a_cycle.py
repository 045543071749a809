"""Two resources require each other."""

from weft import job, op, resource


@resource(required_resource_keys={"cache"})
def database(context): ...


@resource(required_resource_keys={"database"})
def cache(context): ...


@op(required_resource_keys={"database"})
def load(context): ...


@job(resource_defs={"database": database, "cache": cache})
def nightly():
    load()


nightly.execute_in_process()
