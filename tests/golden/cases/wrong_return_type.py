from weft import asset, materialize


@asset
def total() -> int:
    return "three"


materialize([total])
