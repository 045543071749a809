"""Tables of pandas, polars and pyarrow: telling them apart, turning one into another, and Parquet files of them.

None of these libraries is imported before a value or an annotation of its own was seen, or a file that one of them wrote. A class is known by
the package that defines it, so a subclass in another package (which may hold more than Parquet carries) is none of these.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, Union

from weft.errors import IOManagerError

FrameKind: TypeAlias = Literal["pandas.DataFrame", "polars.DataFrame", "polars.LazyFrame", "pyarrow.Table"]

LAZY: FrameKind = "polars.LazyFrame"

_KINDS: Mapping[tuple[str, str], FrameKind] = {
    ("pandas", "DataFrame"): "pandas.DataFrame",
    ("polars", "DataFrame"): "polars.DataFrame",
    ("polars", "LazyFrame"): "polars.LazyFrame",
    ("pyarrow", "Table"): "pyarrow.Table",
}

_MARK = "weft.frame"
"""In the metadata of a Parquet file: the kind of the value that was stored."""


class Unfit(Exception):
    """A format cannot carry a value exactly; another one must."""


# --- kinds -----------------------------------------------------------------------------------------------------------


def frame_kind(value: object) -> FrameKind | None:
    """Which kind of table `value` is; None for anything else."""
    return _kind_of_class(type(value))


def _kind_of_class(kind: type) -> FrameKind | None:
    return _KINDS.get((kind.__module__.partition(".")[0], kind.__name__))


def wanted_frame(annotation: Any) -> FrameKind | None:
    """Which kind of table an annotation asks for, also inside ``Optional``, ``Annotated`` and ``dict[str, ...]``; None where it asks for none."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None:
        return _kind_of_class(annotation) if isinstance(annotation, type) else None
    if origin is typing.Annotated:
        return wanted_frame(arguments[0])
    if origin in (Union, types.UnionType):
        found = [kind for argument in arguments if (kind := wanted_frame(argument)) is not None]
        return found[0] if len(found) == 1 else None
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(arguments) == 2:
        return wanted_frame(arguments[1])
    return None


def asks_for_one_lazy_frame(annotation: Any) -> bool:
    """Whether an annotation asks for one lazy frame, rather than one for each partition."""
    origin = typing.get_origin(annotation)
    return wanted_frame(annotation) == LAZY and not (isinstance(origin, type) and issubclass(origin, Mapping))


# --- conversion ------------------------------------------------------------------------------------------------------


def as_frame(value: Any, wanted: FrameKind | None) -> Any:
    """`value` as the kind of table that is wanted; as it is, where it is no table or nothing is wanted.

    Raises:
        IOManagerError: (WEFT-X161) the library of the wanted kind is not installed.
    """
    found = frame_kind(value) if wanted is not None else None
    if found is None or found == wanted:
        return value
    try:
        return _convert(value, found, wanted)
    except ImportError as error:
        raise IOManagerError(
            f"a {found} cannot be given as a {wanted}: a library is missing.",
            code="WEFT-X161",
            facts={"missing": error.name or str(error)},
            fix=f"install {error.name}, or change the annotation",
        ) from error


def _convert(value: Any, found: FrameKind, wanted: FrameKind | None) -> Any:
    if found == LAZY:
        return as_frame(value.collect(), wanted)
    if found == "polars.DataFrame":
        return value.lazy() if wanted == LAZY else as_frame(value.to_arrow(), wanted)
    if found == "pandas.DataFrame":
        import pyarrow

        return as_frame(pyarrow.Table.from_pandas(value), wanted)
    if wanted == "pandas.DataFrame":
        return value.to_pandas()
    import polars

    frame: Any = polars.from_arrow(value)
    return frame.lazy() if wanted == LAZY else frame


# --- Parquet ---------------------------------------------------------------------------------------------------------


def write_parquet(value: Any, file: BinaryIO) -> None:
    """Write a table. A lazy frame is written as it is computed, so it need not fit into memory.

    Raises:
        Unfit: Parquet has no type for something in it, two columns have one name, or a library that writes Parquet is missing.
    """
    kind = frame_kind(value)
    assert kind is not None
    mark = {_MARK: kind}
    if kind == LAZY:
        value.sink_parquet(file, metadata=mark)
    elif kind == "polars.DataFrame":
        import polars

        if any(dtype == polars.Object for dtype in value.dtypes):
            raise Unfit("it has a column of Python objects")
        value.write_parquet(file, metadata=mark)
    else:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise Unfit("pyarrow is not installed") from error
        try:
            table = value if kind == "pyarrow.Table" else _exactly(value)
            table = table.replace_schema_metadata(
                {**(table.schema.metadata or {}), **{k.encode(): v.encode() for k, v in mark.items()}}
            )
            parquet.write_table(table, file)
        except (pyarrow.ArrowException, ValueError, TypeError, KeyError, OverflowError) as error:
            raise Unfit(str(error)) from error


_EXACT_OBJECTS = frozenset({"string", "bytes", "date", "time", "decimal", "boolean", "empty"})
"""What pandas calls the content of columns of Python objects that Arrow gives back as it was."""


def _exactly(frame: Any) -> Any:
    """A frame of pandas as a table of Arrow, unless something in it would come back as something else."""
    import pyarrow
    from pandas.api.types import infer_dtype

    labels = {type(label) for label in frame.columns}
    if not (labels <= {str} or labels <= {int}) or not frame.columns.is_unique:
        raise Unfit("its columns are not named by different texts")
    for place, dtype in enumerate(frame.dtypes):
        if str(dtype) == "object" and infer_dtype(frame.iloc[:, place], skipna=True) not in _EXACT_OBJECTS:
            raise Unfit(f"column {frame.columns[place]!r} holds Python objects of several kinds")
    return pyarrow.Table.from_pandas(frame)


def read_parquet(path: Any, wanted: FrameKind | None) -> Any:
    """The table in the file `path`, as the kind that is wanted, else as that which was stored."""
    marked = None
    if wanted is None:
        marked = _marked_kind(path)
    kind = wanted or marked or ("pandas.DataFrame" if _has_pandas() else "polars.DataFrame")
    if kind == LAZY:
        return scan_parquet([path])
    if kind == "polars.DataFrame":
        import polars

        with path.open("rb") as file:
            return polars.read_parquet(file)
    from pyarrow import parquet

    with path.open("rb") as file:
        table = parquet.ParquetFile(file).read()
    return as_frame(_without_mark(table), kind)


def scan_parquet(paths: Sequence[Any]) -> Any:
    """A lazy frame over the files `paths`, in order; empty without columns where there are none. It reads what is asked of it when it is collected."""
    import polars

    if not paths:
        return polars.LazyFrame()
    if all(isinstance(path, Path) for path in paths):
        # Names are names here, not patterns.
        return polars.scan_parquet([str(path) for path in paths], glob=False)
    from pyarrow import dataset

    files = dataset.dataset([path.path for path in paths], filesystem=paths[0].fs, format="parquet")
    return polars.scan_pyarrow_dataset(files)


def _marked_kind(path: Any) -> FrameKind | None:
    """The kind of the value that a Parquet file was made of; None where weft did not write it."""
    with path.open("rb") as file:
        try:
            from pyarrow import parquet
        except ImportError:
            import polars

            found = polars.read_parquet_metadata(file).get(_MARK)
        else:
            metadata = parquet.read_metadata(file).metadata or {}
            found = metadata.get(_MARK.encode(), b"").decode()
    return typing.cast("FrameKind", found) if found in _KINDS.values() else None


def _without_mark(table: Any) -> Any:
    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != _MARK.encode()}
    return table.replace_schema_metadata(metadata or None)


def _has_pandas() -> bool:
    import importlib.util

    return importlib.util.find_spec("pandas") is not None
