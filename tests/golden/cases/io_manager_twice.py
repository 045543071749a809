"""An I/O manager is given as an object and as a key."""

from weft import FilesystemIOManager, asset


@asset(io_manager_def=FilesystemIOManager("data"), io_manager_key="files")
def orders() -> list[int]:
    return [1]
