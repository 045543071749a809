"""Several values of a configuration are wrong."""

from weft import Config, ConfigurableResource, Definitions, job, op


class Limits(Config):
    rows: int
    folder: str = "data"


class Warehouse(ConfigurableResource):
    url: str
    port: int = 5432


@op
def load(config: Limits, warehouse: Warehouse) -> None: ...


@job
def nightly():
    load()


defs = Definitions(jobs=[nightly], resources={"warehouse": Warehouse.configure_at_launch()})


if __name__ == "__main__":
    from pathlib import Path

    from tests.golden.playback import weft

    Path("config.yaml").write_text(
        "ops:\n  load:\n    config:\n      rows: many\n      foldr: x\nresources:\n  warehouse:\n    config:\n      port: '5432'\nopz: {}\n"
    )
    weft("job", "execute", "-f", "shop.py", "nightly", "-c", "config.yaml")
