"""A ``dagster.yaml`` as settings of weft: each of its settings becomes one of ours, is passed over with the reason said, or is an error.

Nothing is passed over in silence: `translated` gives a `Note` for every setting that it reads. Classes of ours stand for the known classes of theirs; a
class of the user's own is taken where weft has a port for it (storage, launcher, captured output).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from msgspec import Struct

from weft.config.settings_tree import Node, contradiction, not_a_mapping, unfit, unknown_key
from weft.errors import Problem


class Note(Struct, frozen=True):
    """What became of a setting."""

    where: str
    path: str
    # Where it is taken over: the setting of ours. Otherwise None.
    becomes: str | None
    # Where it is not: why.
    why: str = ""


def translated(tree: Node, folder: Path, problems: list[Problem]) -> tuple[Node, tuple[Note, ...]]:
    """The same settings as a tree of ours, and what became of each.

    Args:
        tree: the file.
        folder: where it stands; paths in it are relative to that.
        problems: gets what is wrong with it, WEFT-C152 to C161.
    """
    translation = _Translation(folder, problems)
    for name, node in tree.value.items():
        section = _SECTIONS.get(name)
        if section is None:
            problems.append(unknown_key(name, node, sorted(_SECTIONS)))
        elif node.value is not None:
            section(translation, node, name)
    return translation.tree, tuple(translation.notes)


_Section: TypeAlias = "Callable[[_Translation, Node, str], None]"


class _Translation:
    """The tree that is made, and the notes on the way."""

    def __init__(self, folder: Path, problems: list[Problem]) -> None:
        self.folder = folder
        self.problems = problems
        self.notes: list[Note] = []
        self.tree = Node({}, "")

    def set(self, becomes: str, node: Node, path: str, value: Any = ..., *, is_derived: bool = False) -> None:
        """Take a setting over. Two that become the same one contradict each other where they differ.

        Args:
            becomes: the setting of ours.
            node: the value.
            path: of the setting in the file.
            value: what it is with us, where that is another value.
            is_derived: whether it is noted already.
        """
        taken = node if value is ... else Node(value, node.where, variable=node.variable)
        section, _, name = becomes.partition(".")
        inner = self.tree.value.setdefault(section, Node({}, node.where)).value
        before = inner.get(name)
        if before is not None and before.plain() != taken.plain():
            self.problems.append(
                contradiction(
                    f"two settings say what {becomes} is.",
                    {"one": f"{before.plain()!r} ({before.where})", "the other": f"{taken.plain()!r} ({taken.where})"}
                    if taken.variable is None and before.variable is None
                    else {"one": before.where, "the other": taken.where},
                    "keep one of them",
                )
            )
        inner[name] = taken
        if not is_derived:
            self.notes.append(Note(node.where, path, becomes))

    def pass_over(self, node: Node, path: str, why: str) -> None:
        """Note that a setting is read and not used."""
        self.notes.append(Note(node.where, path, None, why))

    def mapping(self, node: Node, path: str) -> dict[str, Node]:
        """The keys of a section; empty where it is none, which is a problem then."""
        if node.value is None:
            return {}
        if not isinstance(node.value, dict):
            self.problems.append(not_a_mapping(f'"{path}"', node))
            return {}
        return node.value

    def each(self, node: Node, path: str, known: Mapping[str, _Section]) -> None:
        """Carry each key of a section to its place."""
        for name, inner in self.mapping(node, path).items():
            section = known.get(name)
            if section is None:
                self.problems.append(unknown_key(f"{path}.{name}", inner, sorted(known)))
            elif inner.value is not None:
                section(self, inner, f"{path}.{name}")

    def unavailable(self, node: Node, path: str, what: str, fix: str) -> None:
        """WEFT-C161: something that weft has nothing for, and cannot pass over."""
        self.problems.append(
            Problem("WEFT-C161", f"weft has nothing for {what}.", facts={"setting": path, "at": node.where}, fix=fix)
        )


# --- words for the tables ----------------------------------------------------------------------------------------------


def _to(becomes: str, convert: Callable[[Any], Any] | None = None) -> _Section:
    def section(to: _Translation, node: Node, path: str) -> None:
        if convert is None:
            to.set(becomes, node, path)
        else:
            to.set(becomes, node, path, convert(node.value))

    return section


def _ignored(why: str) -> _Section:
    return lambda to, node, path: to.pass_over(node, path, why)


def _inner(known: Mapping[str, _Section]) -> _Section:
    return lambda to, node, path: to.each(node, path, known)


def _no_limit_below_zero(value: Any) -> Any:
    try:
        return None if int(value) < 0 else value
    except (TypeError, ValueError):  # said when the value is read
        return value


def _none_if_zero(value: Any) -> Any:
    try:
        return None if float(value) == 0 else value
    except (TypeError, ValueError):  # as above
        return value


# --- storage -----------------------------------------------------------------------------------------------------------


def _storage(to: _Translation, node: Node, path: str) -> None:
    to.each(
        node,
        path,
        {
            "sqlite": _database("sqlite"),
            "postgres": _database("postgresql"),
            "mysql": _database("mysql"),
            "custom": lambda to, node, path: _custom(to, node, path, "storage.custom", "storage.config"),
        },
    )


def _database(scheme: str) -> _Section:
    def section(to: _Translation, node: Node, path: str) -> None:
        given = to.mapping(node, path)
        for name, inner in given.items():
            at = f"{path}.{name}"
            if inner.value is None:
                continue
            if name == "base_dir" and scheme == "sqlite":
                to.set("storage.url", inner, at, str((to.folder / inner.text).expanduser()))
            elif name.endswith("_url") and scheme != "sqlite":
                to.set("storage.url", inner, at, inner.text)
            elif name.endswith("_db") and scheme != "sqlite":
                if (address := _address(to, inner, at, scheme)) is not None:
                    to.set("storage.url", inner, at, address)
            elif name == "should_autocreate_tables":
                to.pass_over(inner, at, "an empty database always gets its tables")
            elif name == "auth_provider":
                to.unavailable(
                    inner, at, "identities of clouds as the password of a database", "name a user with a password"
                )
            else:
                known = {
                    "sqlite": ["base_dir"],
                    "postgresql": ["postgres_url", "postgres_db"],
                    "mysql": ["mysql_url", "mysql_db"],
                }
                to.problems.append(unknown_key(at, inner, [*known[scheme], "should_autocreate_tables"]))

    return section


def _address(to: _Translation, node: Node, path: str, scheme: str) -> str | None:
    """The address that the parts of one make."""
    given = to.mapping(node, path)
    known = ["username", "password", "hostname", "db_name", "port", "params", "scheme"]
    for name, inner in given.items():
        if name not in known:
            to.problems.append(unknown_key(f"{path}.{name}", inner, known))
    parts = {name: inner.text for name, inner in given.items() if inner.value is not None}
    missing = [name for name in ("hostname", "db_name") if name not in parts]
    if missing:
        to.problems.append(unfit(path, node, " and ".join(missing)))
        return None
    user = quote(parts.get("username", ""), safe="")
    password = f":{quote(parts['password'], safe='')}" if parts.get("password") else ""
    port = f":{parts['port']}" if "port" in parts else ""
    options = given["params"].plain() if "params" in given else None
    query = f"?{urlencode(options)}" if isinstance(options, dict) and options else ""
    return f"{scheme}://{user}{password}{'@' if user else ''}{parts['hostname']}{port}/{quote(parts['db_name'])}{query}"


def _legacy_storage(to: _Translation, node: Node, path: str) -> None:
    """One of the three stores of old: weft keeps all in one, so they have to be of one database."""
    schemes = {"Sqlite": "sqlite", "Postgres": "postgresql", "MySQL": "mysql", "InMemory": "memory"}
    name, config = _class_of(to, node, path)
    scheme = next((scheme for start, scheme in schemes.items() if name.startswith(start)), None)
    if name.startswith("ConsolidatedSqlite"):
        scheme = "sqlite"
    if scheme is None or not _is_theirs(node):
        to.unavailable(
            node,
            path,
            f"a {path} of its own",
            "give storage.custom a class that has all ports of weft.storage.ports.Storage",
        )
    elif scheme == "memory":
        to.set("storage.url", node, path, "memory://")
    elif scheme == "sqlite":
        # Theirs name a folder below the home for each; with us it is the home.
        to.pass_over(node, path, "SQLite in the home of the instance holds everything")
    else:
        _database(scheme)(to, config, f"{path}.config")


# --- classes -----------------------------------------------------------------------------------------------------------


def _class_of(to: _Translation, node: Node, path: str) -> tuple[str, Node]:
    """The name of the class and its arguments, of ``{module, class, config}``."""
    given = to.mapping(node, path)
    for name, inner in given.items():
        if name not in ("module", "class", "config"):
            to.problems.append(unknown_key(f"{path}.{name}", inner, ["module", "class", "config"]))
    missing = [name for name in ("module", "class") if name not in given]
    if missing and given:
        to.problems.append(unfit(path, node, f"module and class, of which {' and '.join(missing)} is missing"))
    config = given.get("config") or Node({}, node.where)
    return ("" if missing else given["class"].text), config


def _is_theirs(node: Node) -> bool:
    module = node.value.get("module") if isinstance(node.value, dict) else None
    return module is not None and module.text.partition(".")[0].startswith("dagster")


def _custom(to: _Translation, node: Node, path: str, becomes: str, arguments: str) -> None:
    """A class of the user's own, for a port of ours."""
    name, config = _class_of(to, node, path)
    if not name:
        return
    to.set(becomes, node, path, f"{to.mapping(node, path)['module'].text}:{name}")
    if config.value:
        to.set(arguments, config, f"{path}.config", is_derived=True)


def _run_launcher(to: _Translation, node: Node, path: str) -> None:
    name, config = _class_of(to, node, path)
    if name == "DefaultRunLauncher":
        to.set("launcher.kind", node, path, "local")
    elif name == "SyncInMemoryRunLauncher":
        to.set("launcher.kind", node, path, "in_process")
    elif name and _is_theirs(node):
        to.unavailable(
            node,
            path,
            f"{name}",
            "use DefaultRunLauncher, or a launcher of your own: module, class and config of a class like weft.runs.launchers.port.RunLauncher",
        )
        return
    elif name:
        to.set("launcher.kind", node, path, "custom", is_derived=True)
        _custom(to, node, path, "launcher.target", "launcher.config")
        return
    if config.value:
        to.pass_over(config, f"{path}.config", "workers are started as the settings of launcher say")


def _compute_logs(to: _Translation, node: Node, path: str) -> None:
    name, config = _class_of(to, node, path)
    if name == "NoOpComputeLogManager":
        to.set("logs.capture", node, path, False)
    elif name == "LocalComputeLogManager":
        to.each(
            config,
            f"{path}.config",
            {
                "base_dir": lambda to, node, path: to.set(
                    "logs.folder", node, path, str((to.folder / node.text).expanduser())
                ),
                "polling_timeout": _ignored("files are followed, not asked for"),
            },
        )
        to.pass_over(node, f"{path}.class", "captured output is kept in files by default")
    elif name and _is_theirs(node):
        to.pass_over(node, path, f"{name} is not there yet: captured output stays on this machine")
    elif name:
        _custom(to, node, path, "logs.custom", "logs.config")


def _run_coordinator(to: _Translation, node: Node, path: str) -> None:
    name, config = _class_of(to, node, path)
    if name == "QueuedRunCoordinator":
        to.pass_over(node, f"{path}.class", "runs always go through the queue")
        to.each(config, f"{path}.config", _QUEUE)
    elif name == "DefaultRunCoordinator":
        to.set("queue.max_concurrent_runs", node, path, None)
    elif name:
        to.unavailable(
            node,
            path,
            "a run coordinator of its own",
            "runs go through the queue of weft: see the settings of queue and pools",
        )


def _scheduler(to: _Translation, node: Node, path: str) -> None:
    name, _ = _class_of(to, node, path)
    if name and not _is_theirs(node):
        to.unavailable(node, path, "a scheduler of its own", "leave it out: schedules are served by weft's daemon")
    else:
        to.pass_over(node, path, "schedules are served by weft's daemon")


# --- the queue ---------------------------------------------------------------------------------------------------------


def _tag_limits(to: _Translation, node: Node, path: str) -> None:
    if not isinstance(node.value, list):
        to.problems.append(unfit(path, node, "a list of limits, each with key and limit"))
        return
    limits = []
    for number, item in enumerate(node.value):
        given = dict(to.mapping(item, f"{path}.{number}"))
        value = given.get("value")
        if value is not None and isinstance(value.value, dict):
            per_value = value.value.get("applyLimitPerUniqueValue")
            del given["value"]
            if per_value is not None and per_value.value:
                given["per_value"] = per_value
        limits.append(Node(given, item.where))
    to.set("queue.tag_limits", node, path, limits)


_BY_STEPS = _inner(
    {
        "enabled": _ignored("a run whose first steps all need full pools always waits"),
        "op_concurrency_slot_buffer": _to("pools.buffer"),
    }
)

_QUEUE: Mapping[str, _Section] = {
    "max_concurrent_runs": _to("queue.max_concurrent_runs", _no_limit_below_zero),
    "tag_concurrency_limits": _tag_limits,
    "dequeue_interval_seconds": _to("queue.poll_seconds"),
    "dequeue_use_threads": _ignored("one decision lets go all that may go"),
    "dequeue_num_workers": _ignored("one decision lets go all that may go"),
    "max_user_code_failure_retries": _to("queue.max_launch_retries"),
    "user_code_failure_retry_delay": _ignored("a run that could not be started takes its place in the queue again"),
    "block_op_concurrency_limited_runs": _BY_STEPS,
}

_MONITORING: Mapping[str, _Section] = {
    "enabled": _ignored("runs are always watched"),
    "start_timeout_seconds": _to("monitoring.start_timeout_seconds"),
    "cancel_timeout_seconds": _to("monitoring.cancel_grace_seconds"),
    "max_runtime_seconds": _to("monitoring.max_runtime_seconds", _none_if_zero),
    "max_resume_run_attempts": _to("monitoring.max_resume_attempts"),
    "poll_interval_seconds": _to("monitoring.poll_seconds"),
    "cancellation_thread_poll_interval_seconds": _ignored("workers are told at once"),
    "free_slots_after_run_end_seconds": _ignored("slots are free at once when a run is over"),
}


def _retries(to: _Translation, node: Node, path: str) -> None:
    enabled = to.mapping(node, path).get("enabled")
    is_off = enabled is None or str(enabled.value).lower() in ("false", "none")
    to.each(
        node,
        path,
        {
            "enabled": _ignored("retries are on where max_retries, or a tag of the run, is more than 0"),
            "max_retries": _ignored("run_retries.enabled is false") if is_off else _to("retries.max_retries"),
            "retry_on_asset_or_op_failure": _to("retries.on_step_failure"),
        },
    )


_NOT_YET_TICKS = "records of ticks are kept"
_THREADS = _ignored("how many at once is not set: nothing waits for another")

_SECTIONS: Mapping[str, _Section] = {
    "storage": _storage,
    "run_storage": _legacy_storage,
    "event_log_storage": _legacy_storage,
    "schedule_storage": _legacy_storage,
    "local_artifact_storage": _ignored(
        "values are stored in the folder storage of the home, or where the I/O manager says"
    ),
    "compute_logs": _compute_logs,
    "scheduler": _scheduler,
    "run_coordinator": _run_coordinator,
    "run_queue": _inner(_QUEUE),
    "run_launcher": _run_launcher,
    "concurrency": _inner(
        {
            "pools": _inner(
                {
                    "default_limit": _to("pools.default_limit"),
                    "granularity": _to("pools.granularity"),
                    "op_granularity_run_buffer": _to("pools.buffer"),
                }
            ),
            "runs": _inner(
                {
                    "max_concurrent_runs": _to("queue.max_concurrent_runs", _no_limit_below_zero),
                    "tag_concurrency_limits": _tag_limits,
                }
            ),
            "default_op_concurrency_limit": _to("pools.default_limit"),
        }
    ),
    "run_monitoring": _inner(_MONITORING),
    "run_retries": _retries,
    "code_servers": _ignored("code is loaded by weft's own processes"),
    "secrets": _ignored("variables come from the environment of the process"),
    "defs_state_storage": _ignored("the state of components is kept in the project"),
    "retention": _inner({name: _ignored(_NOT_YET_TICKS) for name in ("schedule", "sensor", "auto_materialize")}),
    "backfills": _THREADS,
    "sensors": _THREADS,
    "schedules": _THREADS,
    "auto_materialize": _ignored("conditions are evaluated when something has changed"),
    "freshness": _ignored("freshness is always looked at"),
    "python_logs": _inner(
        {
            "managed_python_loggers": _to("logs.managed_loggers"),
            "python_log_level": _to("logs.level"),
            "dagster_handler_config": _ignored(
                "lines go to the log of the run; where else, say the handlers of the loggers"
            ),
        }
    ),
    "telemetry": _ignored("weft sends nothing to anybody"),
    "nux": _ignored("there is nothing to turn off"),
    "instance_class": lambda to, node, path: to.unavailable(
        node,
        path,
        "an instance class of its own",
        "leave it out; storage, launcher and captured output may be classes of your own",
    ),
}
