"""What the commands say of definitions: checks, lists, pages, and every way to name a target."""

from __future__ import annotations

from tests.integration.cli.conftest import Weft

DEFS = '''
from weft import (
    AssetSpec, Config, DailyPartitionsDefinition, DynamicOut, DynamicOutput, RetryPolicy, asset, asset_check, define_asset_job, job, op,
)

source = AssetSpec("shop/source", description="From elsewhere.")

@asset(key_prefix="shop", deps=[source], group_name="raw", kinds={"csv"}, owners=["team:sales"], tags={"tier": "1"}, code_version="3")
def orders() -> list:
    """Every order.

    As it came.
    """
    return [1, 2, 3]

@asset(partitions_def=DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01"))
def daily(): ...

@asset_check(asset=orders, blocking=True)
def not_empty(orders) -> bool:
    """There is something."""
    return bool(orders)

class Limit(Config):
    rows: int

@op(retry_policy=RetryPolicy(max_retries=2))
def load(config: Limit) -> int:
    return config.rows

@op(out=DynamicOut())
def split(rows):
    yield DynamicOutput(rows, "all")

@op
def double(row):
    return row * 2

@op
def total(rows):
    return sum(rows)

@job(config={"ops": {"load": {"config": {"rows": 3}}}}, description="Loads and adds.")
def nightly():
    total(split(load()).map(double).collect())

everything = define_asset_job("everything", selection="shop/orders")
'''


def test_a_check_counts_what_there_is(weft: Weft) -> None:
    weft.write(defs=DEFS)
    assert weft("check").stdout == "no problems in defs.py: 2 assets, 1 external asset, 1 check, 2 jobs\n"


def test_a_check_reports_every_problem_at_once(weft: Weft) -> None:
    weft.write(
        defs="""
        from weft import Config, Definitions, asset, define_asset_job, job, op

        class Limit(Config):
            rows: int

        @op
        def load(config: Limit): ...

        @job(config={"ops": {"load": {"config": {"rows": "many"}}}})
        def broken_config():
            load()

        @asset
        def orders(): ...

        defs = Definitions(
            [orders], jobs=[broken_config, define_asset_job("broken_selection", "ordres"), define_asset_job("fine", "orders")]
        )
        """
    )
    done = weft("check", code=2)
    assert "2 problems were found" in done.stderr
    assert 'job "broken_config"' in done.stderr
    assert 'job "broken_selection"' in done.stderr
    assert "orders" in done.stderr
    assert "Traceback" not in done.stderr
    document = weft("check", "--json", code=2).json
    assert document["ok"] is False
    assert len(document["problems"]) == 2
    assert all(problem["code"].startswith("WEFT-") and problem["fix"] for problem in document["problems"])


def test_assets_are_listed_and_selected(weft: Weft) -> None:
    weft.write(defs=DEFS)
    listed = weft("asset", "list").stdout.splitlines()
    assert listed[0].split() == ["ASSET", "GROUP", "KIND", "DEPS", "CHECKS", "PARTITIONS", "DESCRIPTION"]
    assert sorted(line.split()[0] for line in listed[1:]) == ["daily", "shop/orders", "shop/source"]
    documents = weft("asset", "list", "--select", "group:raw", "--json").json["assets"]
    assert len(documents) == 1
    orders = documents[0]
    assert orders["key"] == "shop/orders"
    assert orders["description"] == "Every order.\n\nAs it came."
    assert (orders["deps"], orders["checks"], orders["kinds"]) == (["shop/source"], ["not_empty"], ["csv"])
    assert (orders["owners"], orders["code_version"], orders["is_external"]) == (["team:sales"], "3", False)
    assert orders["declared_at"].startswith("defs.py:")
    assert "WEFT-S" in weft("asset", "list", "--select", "nothing_such", code=2).stderr


def test_an_asset_that_does_not_exist_gets_its_nearest_name(weft: Weft) -> None:
    weft.write(defs=DEFS)
    refused = weft("asset", "show", "shop/order", code=2)
    assert "WEFT-U014" in refused.stderr
    assert 'did you mean "shop/orders"?' in refused.stderr


def test_jobs_are_listed_and_printed(weft: Weft) -> None:
    weft.write(defs=DEFS)
    assert [line.split()[:3] for line in weft("job", "list").stdout.splitlines()[1:]] == [
        ["nightly", "ops", "4"],
        ["everything", "assets", "2"],
    ]
    printed = weft("job", "print", "nightly").stdout
    assert "rows  <-  load" in printed
    assert "rows  <-  all of double" in printed
    assert "retries" not in printed
    assert "retries  2" in weft("job", "print", "-j", "nightly", "--verbose").stdout
    steps = weft("job", "print", "everything", "--json").json["steps"]
    assert [step["outputs"][0]["asset"] or step["outputs"][0]["check"] for step in steps] == [
        "shop/orders",
        "shop/orders:not_empty",
    ]
    assert 'did you mean "nightly"?' in weft("job", "print", "nightli", code=2).stderr
    assert "WEFT-U015" in weft("job", "print", code=2).stderr


def test_a_target_is_named_by_file_or_module_or_attribute_or_folder(bare_weft: Weft) -> None:
    package = bare_weft.folder / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", "utf-8")
    text = "from weft import Definitions, asset\n@asset\ndef a(): ...\n@asset\ndef b(): ...\n"
    (package / "defs.py").write_text(text + "north = Definitions([a])\nsouth = Definitions([a, b])\n", "utf-8")

    def names(*target: str) -> list[str]:
        return [one["key"] for one in bare_weft("asset", "list", "--json", *target).json["assets"]]

    assert names("-f", "src/shop/defs.py", "-a", "north") == ["a"]
    assert names("-m", "shop.defs", "-d", "src", "-a", "south") == ["a", "b"]
    assert names("--module-name", "shop.defs", "--working-directory", "src", "--attribute", "b") == ["b"]
    (bare_weft.folder / "pyproject.toml").write_text(
        '[tool.weft]\nmodule = "shop.defs"\nworking_directory = "src"\nattribute = "north"\n', "utf-8"
    )
    assert names() == ["a"]
    assert names("-a", "south") == ["a", "b"]
    assert "WEFT-U004" in bare_weft("asset", "list", "-f", "x.py", "-m", "x", code=2).stderr
    assert "WEFT-L005" in bare_weft("asset", "list", "-m", "shop.defs", "-d", "src", code=2).stderr


def test_without_a_target_the_ways_to_name_one_are_offered(bare_weft: Weft) -> None:
    refused = bare_weft("check", code=2)
    assert "WEFT-L008" in refused.stderr
    assert "-f FILE" in refused.stderr


def test_code_that_does_not_import_shows_the_users_traceback_and_no_other(weft: Weft) -> None:
    weft.write(defs="import broken\n", broken="def f():\n    return {}['missing']\n\nf()\n")
    refused = weft("check", code=2)
    assert refused.stdout == ""
    lines = refused.stderr.splitlines()
    assert lines[0].startswith('  File "') and "defs.py" in lines[0]
    assert "return {}['missing']" in refused.stderr
    assert "importlib" not in refused.stderr
    assert "WEFT-L001" in refused.stderr
    assert "broken.py:2" in refused.stderr
    assert "KeyError" in refused.stderr
    everything = weft("check", "-v", code=2).stderr
    assert "importlib" in everything


def test_a_syntax_error_shows_its_line_with_a_caret(weft: Weft) -> None:
    weft.write(defs="def f(:\n    pass\n")
    refused = weft("check", code=2).stderr
    assert "    def f(:\n          ^" in refused
    assert "defs.py:1" in refused
