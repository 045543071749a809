from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given, settings, strategies as st

from weft.execution.io_managers.paths import path_of
from weft.execution.io_managers.places import Place

EXTENSIONS = ["", ".pickle", ".csv", ".tar.gz", "_x"]

# Made of what the rules are about, so that neighbours that could be mixed up come up often.
TEXT = st.one_of(
    st.text(alphabet="a1_%@.|/-", min_size=1, max_size=4),
    st.text(alphabet=st.characters(), min_size=1, max_size=8),
    st.sampled_from(
        ["..", ".", "a.csv", "a.pickle", "a.tar.gz", "a_x", "%61", "%", "a%", "@a", "1", "2024-01-01", "eu"]
    ),
    st.sampled_from(
        ["x" * 199, "x" * 200, "x" * 201, "x" * 401, "😀" * 60, "x" * 198 + "/b", "a/" * 250, "x" * 200 + ".csv"]
    ),
)
PLACES = st.one_of(
    st.lists(TEXT, min_size=1, max_size=3).map(lambda parts: Place(tuple(parts))),
    st.tuples(st.lists(TEXT, min_size=1, max_size=3).map(tuple), TEXT).map(lambda pair: Place(*pair)),
    st.lists(TEXT, min_size=3, max_size=4).map(lambda parts: Place(output=tuple(parts))),
)


def place_at(path: list[str], extension: str) -> Place:
    """The inverse of `path_of`."""
    assert path[-1].endswith(extension)
    path = [*path[:-1], path[-1][: len(path[-1]) - len(extension)]]
    names, current = [], ""
    for segment in path:
        goes_on = re.search(r"%(?![0-9A-F]{2})", segment)
        current += segment[: goes_on.start()] if goes_on else segment
        if not goes_on:
            names.append(current)
            current = ""
    assert not current

    def text(name: str) -> str:
        return unquote(name.removeprefix("@"), errors="surrogatepass")

    if re.match("[0-9@]", names[0]):
        return Place(output=(text(names[0]), *map(text, names[1].split("~"))))
    parts = list(names)
    keys: list[str] = []
    for index, name in enumerate(names):
        if re.match("[0-9@]", name):
            parts, keys = names[:index], names[index:]
            break
    return Place(tuple(map(text, parts)), "|".join(map(text, keys)) if keys else None)


@given(place=PLACES, extension=st.sampled_from(EXTENSIONS))
@settings(max_examples=400, deadline=None)
def test_a_path_can_be_read_back(place: Place, extension: str) -> None:
    """Hence no two places share a path. Promise c8."""
    assert place_at(path_of(place, extension), extension) == place


@given(one=PLACES, other=PLACES, extension=st.sampled_from(EXTENSIONS[1:]))
@settings(max_examples=400, deadline=None)
def test_no_file_stands_where_another_needs_a_folder(one: Place, other: Place, extension: str) -> None:
    file, folder = path_of(one, extension), path_of(other, extension)
    assert one == other or folder[: len(file)] != file


@given(place=PLACES, extension=st.sampled_from(EXTENSIONS))
@settings(max_examples=400, deadline=None)
def test_every_name_is_plain_and_short(place: Place, extension: str) -> None:
    """Promise c7: none of them leaves the base, on any platform."""
    for name in path_of(place, extension):
        assert re.fullmatch(r"[A-Za-z0-9_%@~][A-Za-z0-9_.=+,%@~-]*", name) or name.startswith(("-", "=", "+", ","))
        assert name not in ("", ".", "..")
        assert not name.startswith(".")
        assert len(name) <= 210


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place(("orders",)), "orders.csv"),
        (Place(("shop", "orders")), "shop/orders.csv"),
        (Place(("orders",), "2024-01-01"), "orders/2024-01-01.csv"),
        (Place(("orders",), "2024-01-01|eu"), "orders/2024-01-01/eu.csv"),
        (Place(("orders",), "eu"), "orders/@eu.csv"),
        (Place(("orders", "eu")), "orders/eu.csv"),
        (Place(("orders",), "2024-01-01-05:00"), "orders/2024-01-01-05%3A00.csv"),
        (Place(("2024",)), "%32024.csv"),
        (Place(("..", "etc", "passwd")), "%2E%2E/etc/passwd.csv"),
        (Place(("a.csv", "b")), "a%2Ecsv/b.csv"),
        (Place(("größe",)), "gr%C3%B6%C3%9Fe.csv"),
        (Place(output=("0198f-a", "load", "result")), "0198f-a/load~result.csv"),
        (Place(output=("0198f-a", "g.clean[eu]", "result", "m1")), "0198f-a/g.clean%5Beu%5D~result~m1.csv"),
        (Place(output=("run", "load", "result")), "@run/load~result.csv"),
        (Place(("x" * 250,)), "x" * 200 + "%/" + "x" * 50 + ".csv"),
    ],
)
def test_names_that_people_use_are_written_as_they_are(place: Place, expected: str) -> None:
    assert "/".join(path_of(place, ".csv")) == expected
