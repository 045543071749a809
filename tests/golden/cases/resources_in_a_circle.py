from weft import asset, materialize, resource


@resource(required_resource_keys={"b"})
def a(context):
    return 1


@resource(required_resource_keys={"a"})
def b(context):
    return 2


@asset(required_resource_keys={"a"})
def orders() -> None: ...


materialize([orders], resources={"a": a, "b": b})
