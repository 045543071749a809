"""A lambda is made an asset."""

from weft import asset

orders = asset(lambda: [1, 2])
