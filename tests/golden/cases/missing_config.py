from weft import Config, asset, materialize


class Limits(Config):
    rows: int


@asset
def orders(config: Limits) -> None: ...


materialize([orders])
