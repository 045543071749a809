"""Prints the revenue: a script that knows nothing of weft."""

import os
import sqlite3

connection = sqlite3.connect(os.environ["SHOP_DATABASE"])
for product, amount in connection.execute("select product, amount from revenue order by product"):
    print(product, amount)
connection.close()
