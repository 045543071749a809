from weft import Instance, asset, materialize


@asset
def orders() -> object:
    return {"rows": [1], "callback": lambda: 1}


materialize([orders], instance=Instance.get())
