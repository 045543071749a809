"""A value is not among those of an Enum."""

from weft import Enum, EnumValue, job, op


@op(config_schema={"size": Enum("Size", [EnumValue("small"), EnumValue("large")])})
def load(context): ...


@job
def nightly():
    load()


nightly.execute_in_process({"ops": {"load": {"config": {"size": "smal"}}}})
