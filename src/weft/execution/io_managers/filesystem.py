"""Values as files below a folder, each in the form that fits it: the default of a persistent instance.

Which form, `weft.execution.io_managers.formats` says; the suffix of a file names it, so what is loaded is what is there. A value that is stored
again in another form takes the file of the old form away after its own is complete. Where both are there, the form that is first in
`known_formats` counts, whichever is newer; pickle is the last. So a writer that was killed in between leaves the old value or the new one, and
nobody who can only add files has a pickle loaded in the place of a value in another form.

Loading a pickle executes what is in it: with `allow_pickle` off, neither is one loaded nor stored. A file whose suffix names no form is never loaded.

On a local disk the file of an asset is written under another name and then renamed, so that a reader sees the old value or the new one, never a
part, and a killed writer leaves the old value. An output of a run is new and read only after its step succeeded: it is written in place. Elsewhere
(any URL of fsspec) a value is written to a local temporary file first, and only sent when it is complete.
"""

from __future__ import annotations

import atexit
import glob
import os
import pickle
import shutil
import weakref
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from weft.definitions.io_manager import IOManagerDefinition
from weft.errors import IOManagerError, WeftError
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.formats import PARQUET, PICKLE, Format, format_for, known_formats
from weft.execution.io_managers.frames import Unfit, asks_for_one_lazy_frame, scan_parquet
from weft.execution.io_managers.paths import ANY_SUFFIX, path_of
from weft.execution.io_managers.places import NotStored, Place, place_of
from weft.execution.io_managers.upath import AnyPath, UPathIOManager
from weft.model.metadata import MetadataValue

if TYPE_CHECKING:
    from upath import UPath

_PROTOCOL = 5

_MOST_DEPTH = 8
"""How far into a value to look for what cannot be pickled."""

_MOST_PARTS = 200
"""How many parts of each container to look at."""


class FilesystemIOManager(UPathIOManager):
    """Stores each value as a file in the form that fits it: Parquet, JSON, text, bytes, else pickle.

    An input that is annotated with a table of pandas, polars or pyarrow gets that kind, whichever was stored. One that is annotated
    ``polars.LazyFrame`` gets one lazy frame over all its partitions, and reads what it is asked for.

    Args:
        base_dir: the folder, as a path or an fsspec URL such as ``s3://bucket/prefix``, or an `EnvVar` that holds one; made where it is missing. By
            default that of the instance which runs it.
        allow_pickle: whether values that fit no other form are pickled. Whoever can write to the folder can have any code executed by those who
            load a pickle from it: turn it off where others can.
        storage_options: for the file system of a URL.
    """

    def __init__(
        self,
        base_dir: str | os.PathLike[str] | UPath | None = None,
        *,
        allow_pickle: bool = True,
        **storage_options: Any,
    ) -> None:
        super().__init__(base_dir, **storage_options)
        self.allow_pickle = allow_pickle

    def __weft_resource_definition__(self) -> IOManagerDefinition:
        """As a resource: itself; without a folder, one in the folder of the instance."""
        if self._base_path is not None:
            return IOManagerDefinition.hardcoded_io_manager(self)
        allow_pickle = self.allow_pickle
        return IOManagerDefinition(
            lambda context: FilesystemIOManager(storage_folder(context.instance), allow_pickle=allow_pickle)
        )

    @property
    def base_dir(self) -> str:
        """The folder."""
        return str(self.base_path)

    # --- where values are ---------------------------------------------------------------------------------------------

    def path_at(self, place: Place) -> AnyPath:
        """The file of a value; where there is none, its path without a suffix."""
        found = self._find(place)
        return found[0] if found is not None else self.base_path.joinpath(*path_of(place, ANY_SUFFIX))

    def is_at(self, place: Place) -> bool:
        """See `PlacedIOManager.is_at`."""
        return self._find(place) is not None

    def _find(self, place: Place) -> tuple[AnyPath, Format] | None:
        """The file of a value and its format: of several files, that in the first of the known forms."""
        base = self.base_path
        names = path_of(place, ANY_SUFFIX)
        if isinstance(base, Path):
            stem = os.path.join(base, *names)  # noqa: PTH118  # on the path of every input
            for each in known_formats():
                if os.access(stem + each.suffix, os.F_OK):
                    return Path(stem + each.suffix), each
        else:
            remote = _all_at(base.joinpath(*names))
            if remote:
                return remote[0]
        earlier = path_of(place, PICKLE.suffix)  # where everything was a pickle, names were written otherwise
        if earlier[:-1] != names[:-1] or earlier[-1] != names[-1] + PICKLE.suffix:
            path = base.joinpath(*earlier)
            if self.path_exists(path):
                return path, PICKLE
        return None

    # --- storing ------------------------------------------------------------------------------------------------------

    def store_at(self, context: OutputContext, place: Place, obj: Any) -> None:
        """See `PlacedIOManager.store_at`.

        Raises:
            IOManagerError: (WEFT-X031) the value cannot be pickled, and no other form takes it; (WEFT-X035) there is a file where the folder of
                the value should be; (WEFT-X160) its form could not write it; (WEFT-X175) only a pickle could hold it, and those are not allowed.
            OSError: the disk is full, or may not be written to.
        """
        base = self.base_path
        names = path_of(place, ANY_SUFFIX)
        path = base.joinpath(*names)
        try:
            if isinstance(base, Path):
                written = self._store_locally(context, str(path), obj)
            else:
                written = self._store_remotely(context, path, obj)
        except (FileExistsError, NotADirectoryError) as error:
            raise self.folder_is_a_file(place, path, error) from error
        context.add_output_metadata({"path": MetadataValue.path(written), **self.get_metadata(context, obj)})

    def dump_to_path(self, context: OutputContext, obj: Any, path: Any) -> None:
        """Write `obj` to `path` in the form that fits it, whatever the path is called."""
        form = self._allowed(context, format_for(obj), obj)
        with path.open("wb") as file:
            _dump(context, form, obj, file)

    def _allowed(self, context: OutputContext, form: Format, obj: Any) -> Format:
        """`form`, unless it is one that may not be written here."""
        if form is PICKLE and not self.allow_pickle:
            raise IOManagerError(
                f"{place_of(context)} fits no form but pickle, and this I/O manager stores no pickles.",
                code="WEFT-X175",
                facts={
                    "made by": f'output "{context.name}" of step "{context.step_key}"',
                    "type": f"{type(obj).__module__}.{type(obj).__qualname__}",
                },
                fix="return a table, text, bytes or plain data, register a format for the type (register_format), "
                "or store it elsewhere: @asset(io_manager_key=...)",
            )
        return form

    def _store_locally(self, context: OutputContext, stem: str, obj: Any) -> str:
        form = self._allowed(context, format_for(obj), obj)
        try:
            path = self._write(context, form, stem, obj)
        except Unfit:
            form = self._allowed(context, PICKLE, obj)
            path = self._write(context, form, stem, obj)
        for other in known_formats():
            if other is not form and os.access(stem + other.suffix, os.F_OK):
                os.unlink(stem + other.suffix)  # noqa: PTH108  # its path is a string here
        return path

    def _write(self, context: OutputContext, form: Format, stem: str, obj: Any) -> str:
        path = stem + form.suffix
        # Nobody reads an output of a run before its step has succeeded, so there is no old value to protect and no reader to surprise.
        # Otherwise a leading dot: no value has such a name. Writers of the same value, in several threads or processes, do not meet.
        folder = os.path.dirname(path)  # noqa: PTH120  # on the path of every output
        unfinished = f"{folder}{os.sep}.{os.urandom(8).hex()}.part" if context.has_asset_key else path
        try:
            with _create(unfinished) as file:
                _dump(context, form, obj, file)
            if unfinished is not path:
                os.replace(unfinished, path)  # noqa: PTH105  # its path is a string here
        except BaseException:
            if os.access(unfinished, os.F_OK):
                os.unlink(unfinished)  # noqa: PTH108  # its path is a string here
            raise
        return path

    def _store_remotely(self, context: OutputContext, stem: Any, obj: Any) -> str:
        import tempfile  # slow to load; local folders do without

        form = self._allowed(context, format_for(obj), obj)
        with tempfile.TemporaryFile() as file:
            try:
                _dump(context, form, obj, file)
            except Unfit:
                form = self._allowed(context, PICKLE, obj)
                file.seek(0)
                file.truncate()
                _dump(context, form, obj, file)
            file.seek(0)
            path = _with_suffix(stem, form)
            self.make_directory(path.parent)
            with path.open("wb") as target:
                shutil.copyfileobj(file, target, 1 << 20)
        for other, _ in _all_at(stem):
            if other != path:
                other.unlink()
        return str(path)

    # --- loading ------------------------------------------------------------------------------------------------------

    def load_from(self, context: InputContext, place: Place) -> Any:
        """See `PlacedIOManager.load_from`.

        Raises:
            IOManagerError: (WEFT-X033) what is stored cannot be read; (WEFT-X176) it is a pickle, and those are not loaded here.
        """
        annotation = _annotation(context)
        while True:
            found = self._find(place)
            if found is None:
                raise NotStored(place, f"{self.base_path.joinpath(*path_of(place, ANY_SUFFIX))}{ANY_SUFFIX}")
            path, form = found
            self._check_loadable(path, form)
            try:
                return form.load_path(path, annotation)
            except WeftError:
                raise
            except FileNotFoundError as error:
                if self.path_exists(path):
                    raise self._why_not(context, place, path, error) from error
                # Meanwhile it was stored again in another form.
            except Exception as error:
                raise self._why_not(context, place, path, error) from error

    def load_from_path(self, context: InputContext, path: Any) -> Any:
        """The value in the file `path`, whose suffix says its form.

        Raises:
            IOManagerError: (WEFT-X176) it is a pickle, and those are not loaded here; (WEFT-X177) its suffix names no form.
        """
        name = str(path.name)
        form = next((each for each in known_formats() if name.endswith(each.suffix)), None)
        if form is None:
            raise IOManagerError(
                f'nothing says in which form the file "{name}" is.',
                code="WEFT-X177",
                facts={"path": str(path), "known suffixes": ", ".join(each.suffix for each in known_formats())},
                fix="give the file the suffix of its form, or register a format for this suffix (register_format)",
            )
        self._check_loadable(path, form)
        return form.load_path(path, _annotation(context))

    def _check_loadable(self, path: AnyPath, form: Format) -> None:
        if form is PICKLE and not self.allow_pickle:
            raise IOManagerError(
                "what is stored is a pickle, and this I/O manager loads no pickles.",
                code="WEFT-X176",
                facts={"path": str(path)},
                fix="make the value again, so that it is stored in another form; if you trust everybody who can write to the folder: "
                "FilesystemIOManager(allow_pickle=True)",
            )

    def load_input(self, context: InputContext) -> Any:
        """See `PlacedIOManager.load_input`; several partitions of tables are one lazy frame for an input that is annotated with one."""
        if context.has_asset_key and context.has_asset_partitions and len(context.asset_partition_keys) != 1:
            annotation = _annotation(context)
            if annotation is not None and asks_for_one_lazy_frame(annotation):
                return self._load_lazily(context)
        return super().load_input(context)

    def _load_lazily(self, context: InputContext) -> Any:
        places = [place_of(context, key) for key in context.asset_partition_keys]
        found = [self._find(place) for place in places]
        if all(each is not None and each[1] is PARQUET for each in found):
            return scan_parquet([each[0] for each in found if each is not None])
        values = super().load_input(context)  # which complains about missing ones
        if not values:
            return scan_parquet([])
        import polars

        return polars.concat(list(values.values()))


_temporary: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""Instances without a folder to theirs, which is removed with them, at the latest when the process ends."""


def storage_folder(instance: Any) -> str:
    """The folder of an instance for values; a temporary one for an instance in memory. Without an instance, one until the process ends."""
    home = getattr(instance, "home", None)
    if home is not None:
        return str(Path(home) / "storage")
    import tempfile

    if instance is None:
        folder = tempfile.mkdtemp(prefix="weft-values-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder
    if instance not in _temporary:
        folder = _temporary[instance] = tempfile.mkdtemp(prefix="weft-values-")
        weakref.finalize(instance, shutil.rmtree, folder, ignore_errors=True)
    return _temporary[instance]


def _annotation(context: InputContext) -> Any:
    return getattr(context.value_type, "annotation", None)


def _create(path: str) -> BinaryIO:
    try:
        return open(path, "wb")  # noqa: PTH123  # on the path of every output
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return open(path, "wb")  # noqa: PTH123  # as above


def _dump(context: OutputContext, form: Format, obj: Any, file: BinaryIO) -> None:
    try:
        form.dump(obj, file)
    except (OSError, MemoryError, Unfit, WeftError):
        raise
    except Exception as error:
        if form is PICKLE:
            raise _cannot_be_pickled(context, obj, error) from error
        raise IOManagerError(
            f"{place_of(context)} could not be written as {form.suffix}.",
            code="WEFT-X160",
            facts={
                "made by": f'output "{context.name}" of step "{context.step_key}"',
                "type": type(obj).__qualname__,
                "reason": f"{type(error).__name__}: {error}",
            },
            fix="see the reason; @asset(io_manager_key=...) stores it in another way",
        ) from error


# --- object stores ---------------------------------------------------------------------------------------------------


def _with_suffix(stem: Any, form: Format) -> Any:
    return stem.parent / f"{stem.name}{form.suffix}"


def _all_at(stem: Any) -> list[tuple[Any, Format]]:
    """Every file of a value, in the order of `known_formats`: found by one listing."""
    fs = stem.fs
    fs.invalidate_cache(fs._parent(stem.path))  # others write, too
    by_suffix = {each.suffix: each for each in known_formats()}
    names = {str(name).rpartition("/")[2] for name in fs.glob(f"{glob.escape(stem.path)}.*")}
    return [
        (stem.parent / f"{stem.name}{suffix}", form)
        for suffix, form in by_suffix.items()
        if f"{stem.name}{suffix}" in names
    ]


def _cannot_be_pickled(context: OutputContext, obj: Any, error: Exception) -> IOManagerError:
    facts: dict[str, object] = {
        "made by": f'output "{context.name}" of step "{context.step_key}"',
        "type": type(obj).__qualname__,
        "reason": f"{type(error).__name__}: {error}",
    }
    found = find_unpicklable(obj)
    if found is not None:
        where, part = found
        facts["because of"] = f"{where}, a {type(part).__module__}.{type(part).__qualname__}"
    return IOManagerError(
        f"{place_of(context)} cannot be pickled, so it cannot be stored.",
        code="WEFT-X031",
        facts=facts,
        fix="return plain data, or use an I/O manager that can store it: @asset(io_manager_key=...). "
        "Connections and clients belong in resources.",
    )


def find_unpicklable(value: Any) -> tuple[str, Any] | None:
    """The innermost part of `value` that cannot be pickled, with the way to it (``value["a"].lock``).

    None where every part that was looked at can be pickled, or nothing below the value itself is to blame.
    """
    way, found = "value", value
    for _ in range(_MOST_DEPTH):
        for step, part in islice(_parts(found), _MOST_PARTS):
            if not _can_be_pickled(part):
                way, found = way + step, part
                break
        else:
            break
    return None if found is value else (way, found)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"[{_short(key)}]", item
            yield f" key {_short(key)}", key
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield f"[{index}]", item
    elif isinstance(value, (set, frozenset)):
        for item in value:
            yield f" member {_short(item)}", item
    for name, item in getattr(value, "__dict__", {}).items():
        yield f".{name}", item


def _can_be_pickled(value: Any) -> bool:
    try:
        pickle.dump(value, _Nowhere(), _PROTOCOL)
    except Exception:  # noqa: BLE001  # whatever a class raises: it is what is being looked for
        return False
    return True


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: Any) -> int:
        return len(data)


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a user's __repr__ may raise anything; this is for a message only
        return type(value).__qualname__
    return text if len(text) <= 40 else f"{text[:37]}..."
