"""What runs the pages notices when a page is wrong."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from tests.integration.docs.page import PageError, Reader, blocks_of

ID = "01a1fc7d-3489-73af-80cc-a8dccd3e2be4"
OTHER = "01a1fc7d-3489-73af-80cc-000000000000"


def follow(folder: Path, text: str) -> int:
    folder = folder / "page"
    folder.mkdir()
    with Reader(folder) as reader:
        return reader.follow(textwrap.dedent(text))


def test_blocks_run_in_order_and_share_names_files_and_folder(tmp_path: Path) -> None:
    done = follow(
        tmp_path,
        """
        ```python
        # file: shop/prices.py
        price = 3
        ```
        ```python
        # file: shop/prices.py, at its end
        price += 1
        ```
        ```python
        total = 0
        ```
        ```console
        $ cd shop
        $ export GREETING="good day"
        ```
        ```console
        $ python -c 'import prices; print(prices.price)'
        4
        $ echo "$GREETING"
        good day
        ```
        ```python
        total += 2
        assert total == 2
        ```
        ```sh
        exit 1
        ```
        """,
    )

    assert done == 6


def test_python_blocks_that_raise_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="assert 1 == 2"):
        follow(tmp_path, "```python\nassert 1 == 2\n```\n")


def test_commands_that_fail_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="ended with 1, not 0"):
        follow(tmp_path, "```console\n$ false\n$ true\n```\n")


def test_commands_that_should_fail_are_noticed_when_they_do_not(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="ended with 0, not 1"):
        follow(tmp_path, "```console exit=1\n$ true\n```\n")


def test_another_output_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="not what the page shows"):
        follow(tmp_path, "```console\n$ echo one\ntwo\n```\n")


def test_missing_and_further_lines_of_output_are_noticed(tmp_path: Path) -> None:
    for number, shown in enumerate(("one", "one\ntwo\nthree")):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(PageError, match="not what the page shows"):
            follow(tmp_path / str(number), f"```console\n$ printf 'one\\ntwo\\n'\n{shown}\n```\n")


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("done in 4 ms", "done in 1.25 s"),
        ("10:00:00  done", "23:59:59  done"),
        ("made 2024-01-02 10:00:00", "made 2026-11-21 05:03:46"),
        ("48.7 MiB", "9 KiB"),
        ("in ... there", "in /a/b/c there"),
        ("first\n...\nlast", "first\\nsecond\\nthird\\nlast"),
        ("...\nlast", "last"),
        ("a  b", "a      b"),
    ],
)
def test_what_varies_from_run_to_run_is_not_compared(tmp_path: Path, shown: str, printed: str) -> None:
    assert follow(tmp_path, f"```console\n$ printf '{printed}\\n'\n{shown}\n```\n") == 1


def test_partition_keys_are_compared(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="not what the page shows"):
        follow(tmp_path, "```console\n$ echo made 2024-01-02\nmade 2024-01-03\n```\n")


def test_a_run_id_stands_for_the_one_that_was_seen(tmp_path: Path) -> None:
    text = f"""
    ```console
    $ echo run {OTHER} started, {OTHER} ended
    run {ID} started, {ID} ended
    $ echo show {ID}
    show {OTHER}
    ```
    """
    with pytest.raises(PageError, match="not what the page shows"):
        follow(tmp_path, text.replace(f"show {OTHER}", f"shows {ID}"))
    (tmp_path / "again").mkdir()
    assert follow(tmp_path / "again", text) == 1


def test_a_run_id_may_not_stand_for_two_runs(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="not what the page shows"):
        follow(tmp_path, f"```console\n$ echo {ID} {OTHER}\n{ID} {ID}\n```\n")


@pytest.mark.parametrize("text", ["```pyhton\n1\n```\n", "```\n1\n```\n", "```python\n1\n"])
def test_blocks_that_nobody_would_run_are_noticed(text: str) -> None:
    with pytest.raises(PageError):
        blocks_of(text)


def test_a_console_block_without_a_command_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="begins with a command"):
        follow(tmp_path, "```console\nweft run list\n```\n")
