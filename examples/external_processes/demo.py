"""Runs both programs (Node where it is installed), and prints what they reported."""

import shutil

from definitions import defs, orders, report_of_node, report_of_the_shell

from weft import materialize

assets = [orders, report_of_the_shell, *([report_of_node] if shutil.which("node") else [])]
result = materialize(assets, resources=defs.resources)
for event in result.get_asset_materialization_events():
    metadata = event.body.metadata
    if "total" in metadata:
        print(f"{event.body.asset_key.to_user_string()}: {metadata['orders'].value} orders, {metadata['total'].value}")
