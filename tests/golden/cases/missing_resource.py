from weft import Definitions, asset


@asset(required_resource_keys={"warehose"})
def orders() -> None: ...


Definitions([orders], resources={"warehouse": object()}).resolve()
