"""Makes a day of sales in every country, its total, a week, and letters to two customers."""

from definitions import SALES, daily_total, letter, sales, weekly_report

from weft import Instance, MultiPartitionKey, materialize
from weft.model.partitions.subset import PartitionSet

ASSETS = [sales, daily_total, weekly_report, letter]

with Instance.ephemeral() as instance:
    one_day = PartitionSet.product(SALES, {"day": ["2024-01-01"]})
    print(f"{len(one_day)} partitions of {SALES.count()} are of that day")
    for key in one_day:
        materialize(ASSETS, selection=[sales], partition_key=key, instance=instance)
    result = materialize(ASSETS, selection=[daily_total], partition_key="2024-01-01", instance=instance)
    print("total of the day:", result.asset_value("daily_total"))

    one = MultiPartitionKey({"day": "2024-01-01", "country": "fr", "product": "tea, green"})
    assert instance.assets.partition(sales.key, one) is not None

    result = materialize(ASSETS, selection=[weekly_report], partition_key="2024-01-01", instance=instance)
    [made] = result.asset_materializations_for_node("weekly_report")
    print("a week:", made.metadata["from"].value, "to", made.metadata["to"].value)

    instance.add_dynamic_partitions("customers", ["Ann", 'Bob "B/C", Ltd'])
    for customer in instance.get_dynamic_partitions("customers"):
        print(materialize(ASSETS, selection=[letter], partition_key=customer, instance=instance).asset_value("letter"))
