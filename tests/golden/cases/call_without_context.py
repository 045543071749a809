from weft import asset


@asset
def orders(context) -> int:
    return 1


orders()
