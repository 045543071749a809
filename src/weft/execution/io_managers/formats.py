"""Forms in which a value can be a file: which values each takes, its suffix, how it writes and reads.

A value goes to the first format that takes it: those that were registered, the latest first; then text for str, bytes, JSON for what JSON
carries exactly, Parquet for tables; pickle for all the rest. The suffix of a file says its format, so loading needs no record of it.

Laws: what `load` gives for a file that `dump` wrote equals the value; `takes` is cheap beside writing; no suffix is the end of another.
"""

from __future__ import annotations

import math
import pickle
import re
from abc import ABC, abstractmethod
from typing import Any, BinaryIO

import msgspec

from weft.errors import DefinitionError
from weft.execution.io_managers.frames import Unfit, as_frame, frame_kind, read_parquet, wanted_frame, write_parquet

_PICKLE_PROTOCOL = 5
_SUFFIX = re.compile(r"(\.[a-z0-9]+)+")

_MOST_LEVELS = 64
"""Of containers in a JSON document; what is deeper, or contains itself, is pickled."""

_MOST_PARTS = 1_000_000
"""Of a JSON document. Also bounds what is looked at where one part stands in many places."""

_TEXT_PIECE = 1 << 20
"""Characters that are encoded at once, so that a long text needs no second copy in memory."""


class Format(ABC):
    """One form of files."""

    suffix: str
    """The end of the names of its files, in lower case, with its dot."""

    @abstractmethod
    def takes(self, value: Any) -> bool:
        """Whether `value` is stored in this form."""

    @abstractmethod
    def dump(self, value: Any, file: BinaryIO) -> None:
        """Write `value`.

        Raises:
            Unfit: it turns out that this form cannot carry it; it is pickled instead.
        """

    @abstractmethod
    def load(self, file: BinaryIO, annotation: Any) -> Any:
        """The value in `file`. `annotation` is that of the input it is for, or None; it may be ignored."""

    def load_path(self, path: Any, annotation: Any) -> Any:
        """As `load`, for a path: for forms that read parts of a file, or later."""
        with path.open("rb") as file:
            return self.load(file, annotation)


class TextFormat(Format):
    """Text in UTF-8, as it is: ends of lines are not changed."""

    suffix = ".txt"

    def takes(self, value: Any) -> bool:
        """See `Format.takes`."""
        return type(value) is str

    def dump(self, value: Any, file: BinaryIO) -> None:
        """See `Format.dump`. Lone surrogates are no characters of UTF-8."""
        try:
            for start in range(0, len(value), _TEXT_PIECE):
                file.write(value[start : start + _TEXT_PIECE].encode())
        except UnicodeEncodeError as error:
            raise Unfit(str(error)) from error

    def load(self, file: BinaryIO, annotation: Any) -> Any:
        """See `Format.load`."""
        return file.read().decode()


class BytesFormat(Format):
    """Bytes, as they are."""

    suffix = ".bin"

    def takes(self, value: Any) -> bool:
        """See `Format.takes`."""
        return type(value) is bytes

    def dump(self, value: Any, file: BinaryIO) -> None:
        """See `Format.dump`."""
        file.write(value)

    def load(self, file: BinaryIO, annotation: Any) -> Any:
        """See `Format.load`."""
        return file.read()


class JsonFormat(Format):
    """Numbers, bool, None, and lists and dicts of them and of text: what comes back from JSON equal and of the same types."""

    suffix = ".json"

    def takes(self, value: Any) -> bool:
        """See `Format.takes`."""
        return type(value) is not str and is_json(value)

    def dump(self, value: Any, file: BinaryIO) -> None:
        """See `Format.dump`. Lone surrogates are no characters of JSON."""
        try:
            file.write(_encode_json(value))
        except UnicodeEncodeError as error:
            raise Unfit(str(error)) from error

    def load(self, file: BinaryIO, annotation: Any) -> Any:
        """See `Format.load`."""
        return _decode_json(file.read())


class ParquetFormat(Format):
    """Tables of pandas, polars (eager and lazy) and pyarrow. An input that is annotated with one of these gets that one."""

    suffix = ".parquet"

    def takes(self, value: Any) -> bool:
        """See `Format.takes`."""
        return frame_kind(value) is not None

    def dump(self, value: Any, file: BinaryIO) -> None:
        """See `Format.dump`."""
        write_parquet(value, file)

    def load(self, file: BinaryIO, annotation: Any) -> Any:
        """Not used: Parquet is read from its path."""
        raise NotImplementedError

    def load_path(self, path: Any, annotation: Any) -> Any:
        """See `Format.load_path`."""
        return read_parquet(path, wanted_frame(annotation))


class PickleFormat(Format):
    """Any value that can be pickled.

    Loading one executes what is in it. It is loaded wherever values are: by workers, by `Definitions.load_asset_value`, `migrate_io_storage` and
    programs that call them; never to show runs or assets. So who can write to the folder of values can run code as those who load from it, unless
    `FilesystemIOManager` is told otherwise (``allow_pickle=False``).
    """

    suffix = ".pickle"

    def takes(self, value: Any) -> bool:
        """See `Format.takes`."""
        return True

    def dump(self, value: Any, file: BinaryIO) -> None:
        """See `Format.dump`."""
        pickle.dump(value, file, _PICKLE_PROTOCOL)

    def load(self, file: BinaryIO, annotation: Any) -> Any:
        """See `Format.load`."""
        value = pickle.load(file)  # noqa: S301  # by design; see the class
        return value if annotation is None else as_frame(value, wanted_frame(annotation))


_encode_json = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode

TEXT = TextFormat()
BYTES = BytesFormat()
JSON = JsonFormat()
PARQUET = ParquetFormat()
PICKLE = PickleFormat()

_BY_CLASS: dict[type, Format] = {str: TEXT, bytes: BYTES, bool: JSON, type(None): JSON}
_built_in: tuple[Format, ...] = (
    JSON,
    PARQUET,
    TEXT,
    BYTES,
    PICKLE,
)  # the last is the only one whose files can execute code
_registered: tuple[Format, ...] = ()


def register_format(added: Format) -> Format:
    """Let files of `added` be written and read by the built-in I/O manager of files, in this process. Returns it.

    Call it in the module that holds the definitions, so that every process that loads them knows it. A format with the suffix of one that was
    registered before takes its place.

    Raises:
        DefinitionError: (WEFT-D520) the suffix is no suffix, or cannot be told from that of another format.
    """
    global _registered  # noqa: PLW0603  # a table of the process, like that of codecs
    suffix = getattr(added, "suffix", None)
    kept = tuple(each for each in _registered if each.suffix != suffix)
    others = [each.suffix for each in (*kept, *_built_in)]
    is_suffix = isinstance(suffix, str) and _SUFFIX.fullmatch(suffix) is not None
    if not is_suffix or any(other.endswith(str(suffix)) or str(suffix).endswith(other) for other in others):
        raise DefinitionError(
            f"the format {type(added).__qualname__} has a suffix that cannot be used.",
            code="WEFT-D520",
            facts={"suffix": suffix, "in use": ", ".join(others)},
            fix='choose another, of a dot, small letters and digits: suffix = ".avro"',
        )
    _registered = (added, *kept)
    return added


def known_formats() -> tuple[Format, ...]:
    """Every format that files are written and read in: those that were registered, then those of data alone, then pickle.

    Where a value has files in several forms, the first of these counts.
    """
    return _registered + _built_in if _registered else _built_in


def format_for(value: Any) -> Format:
    """The format that `value` is stored in."""
    for each in _registered:
        if each.takes(value):
            return each
    kind = type(value)
    found = _BY_CLASS.get(kind)
    if found is not None:
        return found
    if kind is int:  # small values are on the path of every step
        return JSON if -(2**63) <= value < 2**64 else PICKLE
    if kind is float:
        return JSON if math.isfinite(value) else PICKLE
    if kind is list or kind is dict:
        return JSON if is_json(value) else PICKLE
    return PARQUET if frame_kind(value) is not None else PICKLE


# --- what JSON carries -----------------------------------------------------------------------------------------------

_PLAIN = frozenset({str, bool, type(None)})


def is_json(value: Any) -> bool:
    """Whether JSON gives `value` back equal and of the same types: text keys, finite numbers, integers of 64 bits, nothing that contains itself."""
    level, parts = [value], 1
    for _ in range(_MOST_LEVELS):
        below: list[Any] = []
        kinds = set(map(type, level)) - _PLAIN
        if int in kinds and not _all_64_bits([each for each in level if type(each) is int]):
            return False
        if float in kinds and not all(map(math.isfinite, [each for each in level if type(each) is float])):
            return False
        kinds -= {int, float}
        if not kinds:
            return True
        if not kinds <= {list, dict}:
            return False
        for each in level:
            if type(each) is list:
                below += each
            elif type(each) is dict:
                if not set(map(type, each)) <= {str}:
                    return False
                below += each.values()
            if parts + len(below) > _MOST_PARTS:
                return False
        if not below:
            return True
        parts += len(below)
        level = below
    return False


def _all_64_bits(numbers: list[int]) -> bool:
    return min(numbers) >= -(2**63) and max(numbers) < 2**64
