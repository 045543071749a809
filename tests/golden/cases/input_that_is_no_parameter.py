from weft import AssetIn, asset


@asset(ins={"ordes": AssetIn("raw_orders")})
def total(orders: int) -> int:
    return orders
