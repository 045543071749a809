from weft import Config, asset


class Limits(Config):
    rows: int


@asset
def orders(config: Limits) -> int:
    return config.rows


orders()
