"""A run of a partitioned asset names a partition that does not exist."""

from weft import StaticPartitionsDefinition, asset, materialize


@asset(partitions_def=StaticPartitionsDefinition(["north", "south"]))
def sales(): ...


materialize([sales], partition_key="nroth")
