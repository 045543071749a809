"""What users name things is stored verbatim, whatever it looks like (promise c8: 300 hostile strings round trip, no extra row)."""

from __future__ import annotations

from tests.conformance.storage.building import Journal, new_run

from weft.model.events import AssetCheckEvaluated, AssetMaterialized, LogMessage, StepOutput, StepStarted
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.run import RunFilter
from weft.storage.ports import Storage

FRAGMENTS = [
    "'",
    '"',
    "''",
    '""',
    "`",
    "\\",
    "\\'",
    "%",
    "_",
    "%s",
    "%(x)s",
    "?",
    ":name",
    "$1",
    "{0}",
    ";",
    "--",
    "/* */",
    "/",
    "//",
    "|",
    ",",
    "..",
    "../../etc/passwd",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\x01",
    "\x02",
    "\x1b[31m",
    "\x7f",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\uffff",
    "é",
    "e\u0301",
    "ß",
    "ı",
    "İ",
    "漢字",
    "😀",
    "👩‍👩‍👧",
    "NULL",
    "null",
    "None",
    "0",
    "1e309",
    "' OR '1'='1",
    "'); DROP TABLE events; --",
    "x' UNION SELECT payload FROM events --",
    "<script>alert(1)</script>",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "[a, b]",
    '["a"]',
    "a" * 3000,
]

HOSTILE = list(
    dict.fromkeys([*FRAGMENTS, *(f"{a}{b}" for a in FRAGMENTS[:12] for b in FRAGMENTS), *(f"x{a}y" for a in FRAGMENTS)])
)[:320]


def test_the_list_is_long_enough() -> None:
    assert len(HOSTILE) >= 300


def test_partition_keys_are_stored_verbatim(storage: Storage) -> None:
    new_run(storage)
    journal, key = Journal(storage), AssetKey("a")
    check = AssetCheckKey(key, "c")
    for text in HOSTILE:
        journal.write(
            AssetMaterialized(asset_key=key, partition=text),
            AssetCheckEvaluated(check_key=check, passed=True, partition=text),
        )
    assert [state.partition for state in storage.assets.partitions(key).items] == sorted(HOSTILE)
    assert storage.assets.partition_counts(key) == {"MATERIALIZED": len(HOSTILE)}
    for text in HOSTILE:
        state = storage.assets.partition(key, text)
        assert state is not None
        assert state.latest.partition == text
        [answer, made] = storage.events.of_asset(key, partition=text)
        assert (made.event.partition, answer.event.partition) == (text, text)
        assert storage.checks.get(check, partition=text) is not None
    storage.assets.wipe(key, partitions=HOSTILE[::2])
    assert [state.partition for state in storage.assets.partitions(key).items] == sorted(HOSTILE[1::2])


def test_asset_and_check_names_are_stored_verbatim(storage: Storage) -> None:
    new_run(storage, asset_selection=tuple(AssetKey([text, "x"]) for text in HOSTILE))
    journal = Journal(storage)
    keys = [AssetKey([text, "x"]) for text in HOSTILE]
    for key in keys:
        journal.materialize(key)
        journal.write(AssetCheckEvaluated(check_key=AssetCheckKey(key, key.parts[0]), passed=True))
    assert [state.key for state in storage.assets.list(limit=1000).items] == sorted(keys)
    assert set(storage.assets.get_many(keys)) == set(keys)
    assert {answer.key.name for answer in storage.checks.of_assets(keys)} == set(HOSTILE)
    for key in keys:
        assert [state.key for state in storage.assets.list(prefix=key.parts[:1]).items] == [key]
        assert [run.id for run in storage.runs.list(RunFilter(asset_key=key)).items] == ["r1"]
        assert {stored.event.asset_key for stored in storage.events.of_asset(key)} == {key}


def test_tags_and_job_names_are_stored_verbatim(storage: Storage) -> None:
    for number, text in enumerate(HOSTILE):
        new_run(storage, f"r{number}", job_name=text, tags={text: "v", "k": text})
    for number, text in enumerate(HOSTILE):
        for filter in (RunFilter(tags={text: "v"}), RunFilter(tags={"k": text}), RunFilter(job_name=text)):
            [run] = storage.runs.list(filter).items
            assert (run.id, run.job_name, run.tags) == (f"r{number}", text, {text: "v", "k": text})
            assert storage.runs.count(filter) == 1


def test_step_keys_messages_and_values_are_stored_verbatim(storage: Storage) -> None:
    new_run(storage)
    journal = Journal(storage)
    for text in HOSTILE:
        journal.write(
            StepStarted(),
            StepOutput(output_name=text, mapping_key=text),
            LogMessage(message=text, level=20, fields={text: text}),
            step_key=text,
        )
        storage.keyvalue.set(text, text)
    assert [(step.key, step.outputs) for step in storage.runs.steps("r1")] == [(t, {t: (t,)}) for t in HOSTILE]
    for text in HOSTILE:
        body = storage.events.read("r1", step_key=text)[2].event.body
        assert body == LogMessage(message=text, level=20, fields={text: text})
        assert storage.keyvalue.get(text) == text
    assert storage.dynamic_partitions.add("'; --", HOSTILE) == tuple(HOSTILE)
    assert storage.dynamic_partitions.list("'; --") == tuple(HOSTILE)
    assert all(storage.dynamic_partitions.has("'; --", text) for text in HOSTILE)
