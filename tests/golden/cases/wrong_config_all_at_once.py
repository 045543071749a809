from weft import Config, asset, materialize


class Limits(Config):
    rows: int
    mode: str = "fast"


@asset
def orders(config: Limits) -> None: ...


materialize([orders], run_config={"ops": {"orders": {"config": {"rows": "many", "mod": "slow"}}, "order": {}}})
