"""What a program uses that runs as a step of weft: its context, its log, its reports.

It has no dependencies and runs on every Python since 3.8, because it is installed where the program lives, not where weft does.

>>> with open_weft_pipes() as pipes:
...     pipes.report_asset_materialization(metadata={"rows": 1200})
"""

from weft_pipes.blob_channel import (
    PipesBlobStoreMessageWriter,
    PipesBlobStoreMessageWriterChannel,
    PipesS3MessageWriter,
)
from weft_pipes.channel import PipesMessageWriter, PipesMessageWriterChannel
from weft_pipes.context import PipesContext
from weft_pipes.context_loading import PipesContextLoader, PipesDefaultContextLoader, PipesS3ContextLoader
from weft_pipes.default_writer import PipesDefaultMessageWriter
from weft_pipes.errors import PipesError
from weft_pipes.opening import open_weft_pipes
from weft_pipes.params import (
    PipesCliArgsParamsLoader,
    PipesEnvVarParamsLoader,
    PipesMappingParamsLoader,
    PipesParamsLoader,
    decode_param,
    encode_param,
)

__version__ = "0.1.0"

__all__ = [
    "PipesBlobStoreMessageWriter",
    "PipesBlobStoreMessageWriterChannel",
    "PipesCliArgsParamsLoader",
    "PipesContext",
    "PipesContextLoader",
    "PipesDefaultContextLoader",
    "PipesDefaultMessageWriter",
    "PipesEnvVarParamsLoader",
    "PipesError",
    "PipesMappingParamsLoader",
    "PipesMessageWriter",
    "PipesMessageWriterChannel",
    "PipesParamsLoader",
    "PipesS3ContextLoader",
    "PipesS3MessageWriter",
    "decode_param",
    "encode_param",
    "open_weft_pipes",
]
