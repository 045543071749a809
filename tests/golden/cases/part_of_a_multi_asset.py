from weft import AssetSpec, materialize, multi_asset


@multi_asset(specs=[AssetSpec("left"), AssetSpec("right")])
def both() -> None: ...


materialize([both], selection="left")
