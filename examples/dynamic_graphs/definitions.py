"""Files, their lines, their words: a fan-out inside a fan-out, collected at both levels.

weft job execute -f definitions.py -j count_words
"""

from collections import Counter
from collections.abc import Iterator

from weft import Definitions, DynamicOut, DynamicOutput, Skip, graph_asset, job, op

FILES = {"a_txt": "one two\nthree two", "b_txt": "two", "empty_txt": ""}


@op(out=DynamicOut(str))
def files() -> Iterator[DynamicOutput[str]]:
    for name, text in FILES.items():
        yield DynamicOutput(text, mapping_key=name)


@op(out=DynamicOut(str))
def lines(text: str) -> Iterator[DynamicOutput[str]]:
    if not text:
        raise Skip("the file is empty")
    for number, line in enumerate(text.splitlines()):
        yield DynamicOutput(line, mapping_key=f"line_{number}")


@op
def words(line: str) -> dict[str, int]:
    return Counter(line.split())


@op
def of_file(counts: list[dict[str, int]]) -> dict[str, int]:
    return sum((Counter(count) for count in counts), Counter())


@op
def of_all(counts: list[dict[str, int]]) -> dict[str, int]:
    return dict(sorted(sum((Counter(count) for count in counts), Counter()).items()))


def count_file(text: str) -> dict[str, int]:
    return of_file(lines(text).map(words).collect())


@job
def count_words() -> None:
    of_all(files().map(count_file).collect())


@graph_asset
def word_counts() -> dict[str, int]:
    """The same as an asset: it may fan out inside."""
    return of_all(files().map(count_file).collect())


defs = Definitions([word_counts], jobs=[count_words])
