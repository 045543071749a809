"""The writer that goes where the orchestrator says: a file, a stream, a socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from weft_pipes.channel import PipesMessageWriter, PipesMessageWriterChannel
from weft_pipes.errors import PipesError
from weft_pipes.file_channel import FileChannel
from weft_pipes.socket_channel import SocketChannel, address_of
from weft_pipes.stream_channel import BufferedStreamChannel, StreamChannel


class PipesDefaultMessageWriter(PipesMessageWriter):
    """Writes to a file, to a stream of the program, or over a socket."""

    @contextmanager
    def open(self, params: Mapping[str, Any]) -> Iterator[PipesMessageWriterChannel]:
        """See `PipesMessageWriter`."""
        channel = _channel(params)
        try:
            yield channel
        finally:
            channel.close()


def _channel(params: Mapping[str, Any]) -> FileChannel | StreamChannel | BufferedStreamChannel | SocketChannel:
    if "weft_socket" in params:
        found = params["weft_socket"]
        return SocketChannel(address_of(found), found["token"])
    if "path" in params:
        return FileChannel(params["path"], params.get("weft_acks"))
    if "stdio" in params:
        return StreamChannel(params["stdio"])
    if "buffered_stdio" in params:
        return BufferedStreamChannel(params["buffered_stdio"])
    raise PipesError(
        f"messages are to go to a place that this writer does not know ({', '.join(params)}): open with the writer that belongs to it"
    )
