from weft import asset, materialize


@asset(group_name="bronze")
def orders() -> None: ...


materialize([orders], selection="group:bronce")
