"""Two assets that programs make, in a shell script and in Node: neither has anything of Python.

weft check -f definitions.py
"""

from pathlib import Path

from weft import AssetExecutionContext, Definitions, MaterializeResult, PipesSubprocessClient, asset

HERE = Path(__file__).parent


@asset
def orders() -> str:
    """A file that programs of any kind can read."""
    folder = HERE / "output"
    folder.mkdir(exist_ok=True)
    path = folder / "orders.csv"
    path.write_text("id,amount\n1,20\n2,5\n3,7.5\n", "utf-8")
    return str(path)


@asset
def report_of_the_shell(
    context: AssetExecutionContext, orders: str, pipes: PipesSubprocessClient
) -> MaterializeResult[None]:
    """Made by a shell script."""
    return pipes.run(
        command=["sh", str(HERE / "report.sh")], context=context, extras={"orders": orders}
    ).get_materialize_result()


@asset
def report_of_node(
    context: AssetExecutionContext, orders: str, pipes: PipesSubprocessClient
) -> MaterializeResult[None]:
    """Made by a program in JavaScript."""
    return pipes.run(
        command=["node", str(HERE / "report.mjs")], context=context, extras={"orders": orders}
    ).get_materialize_result()


defs = Definitions(
    assets=[orders, report_of_the_shell, report_of_node],
    resources={"pipes": PipesSubprocessClient()},
)
