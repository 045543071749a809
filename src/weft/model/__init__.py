"""Frozen values: what weft talks about. Nothing here does I/O, reads a clock or knows user code.

Everything above works on these values, whether they came from this process, from storage or over the wire.
Encoding is msgpack through `weft.model.codec`.
"""
