"""Addresses of databases: read, shown without their secrets, and what options they carry."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from weft.errors import StorageError

_FORMS = "sqlite:///path/to/folder, postgresql://user:password@host/database, mysql://user:password@host/database"


def read_address(text: str) -> URL:
    """`text` as an address.

    Raises:
        StorageError: (WEFT-T062) it is none. The text is not repeated, for it may hold a password.
    """
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise not_an_address("it cannot be read") from None


def not_an_address(reason: str) -> StorageError:
    """WEFT-T062."""
    error = StorageError(
        "the address of the database is not understood.",
        code="WEFT-T062",
        facts={"reason": reason, "forms": _FORMS},
        fix="use one of the forms; special characters in names and passwords are written as %40 for @, %3A for : and so on",
    )
    error.may_pass = False
    return error


def place_of(url: URL, *, default_port: int) -> str:
    """User, server and database, for people: no password, and none of the options, which may hold one."""
    user = f"{url.username}@" if url.username else ""
    return f"{user}{url.host or 'localhost'}:{url.port or default_port}/{url.database or ''}"


def integer_option(url: URL, name: str, default: int) -> int:
    """An option of an address that is a whole number.

    Raises:
        StorageError: (WEFT-T062) it is something else.
    """
    given = url.query.get(name)
    if given is None:
        return default
    if not isinstance(given, str) or not given.isdecimal():
        raise not_an_address(f"{name} is not a whole number")
    return int(given)
