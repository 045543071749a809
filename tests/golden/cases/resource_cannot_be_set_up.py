from weft import asset, materialize, resource


@resource
def database():
    raise ConnectionRefusedError("port 5432")


@asset(required_resource_keys={"database"})
def orders() -> None: ...


materialize([orders], resources={"database": database})
