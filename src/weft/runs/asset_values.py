"""Stored values of assets outside runs: in a notebook, a script, a test; and moving them from one I/O manager to another.

A value is loaded by the I/O manager that its asset is stored with, as the input of a step would be. Nothing is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from msgspec import UNSET, Struct
from typing_extensions import Self

from weft.config.validation import Check
from weft.definitions.asset_spec import AssetSpec
from weft.definitions.repository import Repository
from weft.definitions.resource_set import bind_resources, initialisation_order
from weft.definitions.run_target import asset_target
from weft.definitions.value_type import value_type
from weft.errors import IOManagerError, did_you_mean, some_of
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.places import NOT_STORED
from weft.execution.resources import ResourceSession
from weft.model.keys import AssetKey, CoercibleToAssetKey
from weft.runs.environment import RunEnvironment

_NO_RUN = "outside of a run"


class AssetValueLoader:
    """Loads stored values of assets; keeps the I/O managers that it set up until it is closed. A context manager.

    >>> with defs.get_asset_value_loader() as loader:
    ...     orders = loader.load_asset_value("orders", partition_key="2024-01-01")
    """

    def __init__(self, repository: Repository, environment: RunEnvironment) -> None:
        self._repository = repository
        self._environment = environment
        self._open = ExitStack()
        self._sessions: dict[str, ResourceSession] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Tear down what was set up."""
        self._sessions.clear()
        self._open.close()

    def load_asset_value(
        self,
        asset_key: CoercibleToAssetKey,
        *,
        python_type: Any = None,
        partition_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        input_definition_metadata: Mapping[str, Any] | None = None,
        resource_config: Mapping[str, Any] | None = None,
    ) -> Any:
        """The stored value of an asset; of a partitioned one without a key, a dict from each partition to its value.

        Args:
            asset_key: the asset.
            python_type: the type to give it as, where the I/O manager can give several: what an annotation would say.
            partition_key: one partition.
            metadata, input_definition_metadata: what the metadata of an input would say, such as ``allow_missing_partitions`` or ``columns``.
            resource_config: key to configuration of the I/O manager and of what it requires, as below ``resources`` of a run.

        Raises:
            IOManagerError: (WEFT-X164) there is no such asset.
            PartitionError: the partition does not exist.
            IOManagerError: (WEFT-X032) it was never stored.
        """
        key = AssetKey.of(asset_key)
        spec = self._spec(key)
        manager_key, session = self._manager(key, resource_config)
        given = {**(metadata or {}), **(input_definition_metadata or {})}
        context = input_context_of(
            spec, self._partitions(spec, partition_key), given, python_type, session.all(), partition_key
        )
        return session.get(manager_key).load_input(context)

    def _spec(self, key: AssetKey) -> AssetSpec:
        spec = self._repository.spec(key)
        if spec is None:
            known = [each.to_user_string() for each in self._repository.graph.keys]
            raise IOManagerError(
                f'there is no asset "{key.to_user_string()}".',
                code="WEFT-X164",
                facts={"known assets": some_of(known)},
                fix=did_you_mean(key.to_user_string(), known, "check the key"),
            )
        return spec

    def _partitions(self, spec: AssetSpec, partition_key: str | None) -> Sequence[str]:
        definition = spec.partitions_def
        if definition is None:
            return ()
        now, store = self._environment.clock.wall(), self._environment.dynamic_partitions
        if partition_key is None:
            return definition.get_partition_keys(current_time=now, dynamic_partitions_store=store)
        definition.validate_partition_key(partition_key, current_time=now, dynamic_partitions_store=store)
        return [partition_key]

    def _manager(self, key: AssetKey, config: Mapping[str, Any] | None) -> tuple[str, ResourceSession]:
        target = asset_target(self._repository, [])
        target.add_loaders([key])
        manager_key = target.io_manager_key_of(key)
        session = self._sessions.get(manager_key) if not config else None
        if session is None:
            definitions = bind_resources({**self._environment.default_resources, **target.resource_defs})
            order = initialisation_order(definitions, [manager_key])
            check = Check(os.environ)
            configs: dict[str, Any] = {}
            for name in order:
                entry = (config or {}).get(name, {})
                given = entry.get("config", UNSET) if isinstance(entry, Mapping) else entry
                configs[name] = check.field(definitions[name].config_schema, given, ("resources", name, "config"))
            check.raise_problems()
            values = check.validated(configs).resolve(os.environ).value
            session = ResourceSession(
                definitions,
                order,
                config={name: None if value is UNSET else value for name, value in values.items()},
                record=_not_recorded,
                clock=self._environment.clock,
                instance=self._environment,
            )
            session.open()
            self._open.callback(session.close)
            if not config:
                self._sessions[manager_key] = session
        return manager_key, session


def input_context_of(
    spec: AssetSpec,
    partition_keys: Sequence[str],
    metadata: Mapping[str, Any] | None = None,
    python_type: Any = None,
    resources: Any = None,
    run_partition_key: str | None = None,
) -> InputContext:
    """What an I/O manager is told of the load of an asset outside a run."""
    return InputContext(
        name="value",
        step_key=_NO_RUN,
        asset_key=spec.key,
        asset_spec=spec,
        asset_partitions_def=spec.partitions_def,
        partition_keys=partition_keys,
        run_partition_key=run_partition_key,
        definition_metadata=metadata,
        value_type=None if python_type is None else value_type(python_type),
        resources=resources,
        upstream_output=output_context_of(spec, partition_keys),
    )


def output_context_of(spec: AssetSpec, partition_keys: Sequence[str]) -> OutputContext:
    """What an I/O manager is told of the storing of an asset outside a run."""
    return OutputContext(
        name="result",
        step_key=spec.key.to_python_identifier(),
        run_id=_NO_RUN,
        asset_key=spec.key,
        asset_spec=spec,
        asset_partitions_def=spec.partitions_def,
        partition_keys=partition_keys,
        definition_metadata=spec.metadata,
    )


class MigrateIOStorageResult(Struct, frozen=True, kw_only=True):
    """What was copied, left out and failed: assets, with the partition where there is one."""

    migrated: tuple[tuple[AssetKey, str | None], ...] = ()
    # Never stored at the source.
    skipped: tuple[tuple[AssetKey, str | None], ...] = ()
    # With what the I/O managers raised.
    failed: tuple[tuple[AssetKey, str | None, BaseException], ...] = ()

    @property
    def success(self) -> bool:
        """Whether nothing failed."""
        return not self.failed


def migrate_io_storage(
    source_io_manager: Any,
    destination_io_manager: Any,
    assets: Iterable[Any],
    *,
    instance: RunEnvironment | None = None,
    partition_keys: Sequence[str] | None = None,
) -> MigrateIOStorageResult:
    """Copy the stored values of assets from one I/O manager to another, one partition after another. The source keeps them.

    Args:
        source_io_manager: where they are.
        destination_io_manager: where they go; what is there is replaced.
        assets: definitions or specs of assets.
        instance: holds the keys of dynamic partitions.
        partition_keys: only these partitions of those that are partitioned. All by default.

    Repeating it after a failure is safe.
    """
    store = instance.dynamic_partitions if instance is not None else None
    migrated: list[tuple[AssetKey, str | None]] = []
    skipped: list[tuple[AssetKey, str | None]] = []
    failed: list[tuple[AssetKey, str | None, BaseException]] = []
    for spec in _specs(assets):
        definition = spec.partitions_def
        keys: Sequence[str | None] = [None]
        if definition is not None:
            keys = partition_keys or definition.get_partition_keys(dynamic_partitions_store=store)
        for key in keys:
            one = () if key is None else (key,)
            try:
                value = source_io_manager.load_input(input_context_of(spec, one, run_partition_key=key))
                result = destination_io_manager.handle_output(output_context_of(spec, one), value)
                if hasattr(result, "__next__"):
                    for _ in result:  # a generator stores as it is read
                        pass
            except IOManagerError as error:
                if error.code == NOT_STORED:
                    skipped.append((spec.key, key))
                else:
                    failed.append((spec.key, key, error))
            except Exception as error:  # noqa: BLE001  # an I/O manager may raise anything; the others go on, and it is told
                failed.append((spec.key, key, error))
            else:
                migrated.append((spec.key, key))
    return MigrateIOStorageResult(migrated=tuple(migrated), skipped=tuple(skipped), failed=tuple(failed))


def _specs(assets: Iterable[Any]) -> list[AssetSpec]:
    return [spec for each in assets for spec in ([each] if isinstance(each, AssetSpec) else list(each.specs))]


def _not_recorded(*_: object) -> None:
    """There is no run that would keep the events of the set-up."""
