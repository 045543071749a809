"""Addresses of databases: read and shown without secrets."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from sqlalchemy.engine import URL

from weft.errors import StorageError
from weft.storage.addresses import integer_option, place_of, read_address

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(user=words, password=words, database=words)
def test_any_user_password_and_name_comes_back_and_the_password_is_not_shown(
    user: str, password: str, database: str
) -> None:
    url = URL.create("postgresql", user, f"<<{password}>>", "db.example", 5433, database)
    read = read_address(url.render_as_string(hide_password=False))
    assert (read.username, read.password, read.database) == (user, f"<<{password}>>", database)
    assert place_of(read, default_port=5432) == f"{user}@db.example:5433/{database}"


def test_what_is_not_said_is_filled_in() -> None:
    assert place_of(read_address("postgresql:///shop"), default_port=5432) == "localhost:5432/shop"


def test_options_are_whole_numbers() -> None:
    url = read_address("postgresql://h/d?most_readers=8")
    assert integer_option(url, "most_readers", 4) == 8
    assert integer_option(url, "prepare", 1) == 1
    with pytest.raises(StorageError, match="not understood"):
        integer_option(read_address("postgresql://h/d?most_readers=-1"), "most_readers", 4)
