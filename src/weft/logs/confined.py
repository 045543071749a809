"""Opening what lies below a folder, and nothing else, whatever the names are.

Each name is opened relative to a handle of the folder above it, without following symbolic links. So there is no path to be put together
wrongly, and no moment between a check and the opening in which something could be exchanged. The folder itself is trusted: it comes from
the configuration of the instance.

Names from outside are checked by their grammars first (`weft.ids`); this is the second wall.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from weft.errors import StorageError

# Of a symbolic link, and of a file where a folder is expected (which is also what Linux says of a link there).
_NOT_FOLLOWED = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


def open_folder(root: Path, *names: str) -> int:
    """A descriptor of the folder `names` below `root`, to be closed by the caller.

    Raises:
        FileNotFoundError: there is none.
        StorageError: (WEFT-T056) a name is none, or leads elsewhere.
    """
    return _walk(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), root, names)


def open_file(root: Path, *names: str) -> int:
    """A descriptor for reading the regular file `names` below `root`, to be closed by the caller.

    Raises:
        FileNotFoundError: there is none.
        StorageError: (WEFT-T056) a name is none, or leads elsewhere, or what is there is not a regular file.
    """
    folder = open_folder(root, *names[:-1])
    try:
        # Without O_NONBLOCK, opening a pipe that somebody put there would wait for its writer.
        fd = _open(folder, root, names[-1], os.O_RDONLY | os.O_NONBLOCK)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _leads_elsewhere(root, names[-1])
    return fd


def make_folder(root: Path, name: str) -> Path:
    """The folder `name` in `root`, made where it is missing, as `root` is. Only their owner may look into new ones.

    Raises:
        StorageError: (WEFT-T056) the name is none, or what is there is not a folder.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = open_folder(root)
    try:
        _check(root, name)
        try:
            os.mkdir(name, 0o700, dir_fd=handle)
        except FileExistsError:
            os.close(_open(handle, root, name, os.O_RDONLY | os.O_DIRECTORY))
    finally:
        os.close(handle)
    return root / name


def delete_folder(root: Path, name: str) -> None:
    """Delete the folder `name` in `root` with the files in it; links are deleted, not followed. Nothing happens where there is none.

    Raises:
        StorageError: (WEFT-T056) the name is none, or leads elsewhere.
        OSError: there is a folder in it, or something in it cannot be deleted.
    """
    try:
        handle = open_folder(root)
    except FileNotFoundError:
        return
    try:
        try:
            folder = _open(handle, root, name, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return
        try:
            for entry in os.listdir(folder):  # noqa: PTH208  # of a descriptor
                os.unlink(entry, dir_fd=folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=handle)
    finally:
        os.close(handle)


def _walk(handle: int, root: Path, names: tuple[str, ...]) -> int:
    for name in names:
        above = handle
        try:
            handle = _open(above, root, name, os.O_RDONLY | os.O_DIRECTORY)
        finally:
            os.close(above)
    return handle


def _open(folder: int, root: Path, name: str, flags: int) -> int:
    _check(root, name)
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in _NOT_FOLLOWED:
            raise _leads_elsewhere(root, name) from error
        if error.errno == errno.ENAMETOOLONG:
            raise FileNotFoundError(error.errno, error.strerror, name) from error
        raise


def _check(root: Path, name: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise _leads_elsewhere(root, name) from None
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise _leads_elsewhere(root, name)


def _leads_elsewhere(root: Path, name: str) -> StorageError:
    return StorageError(
        f"{name!r} is not the name of something in its folder.",
        code="WEFT-T056",
        facts={"folder": str(root)},
        fix="names have no slashes, and links are not followed",
    )
