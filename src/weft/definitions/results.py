"""What user functions return, yield or raise: outputs, materialisations, check results, failures."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from weft.definitions.deprecations import warn_deprecated
from weft.definitions.names import check_each, check_kind, check_mapping
from weft.errors import DefinitionError
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.metadata import AnyMetadataValue, MetadataValue, RawMetadata, metadata_values
from weft.model.severity import AssetCheckSeverity

if TYPE_CHECKING:
    from weft.model.events import AssetCheckEvaluated

T = TypeVar("T")

DEFAULT_OUTPUT = "result"

# It becomes part of step keys and of file names.
_MAPPING_KEY = re.compile(r"[A-Za-z0-9_]+\Z")


class DataVersion:
    """The version of an asset's content: equal versions mean equal content."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = check_kind(value, str, "the value", "DataVersion")

    @staticmethod
    def of(value: DataVersion | str | None) -> DataVersion | None:
        """`value` as a version; a string is one."""
        return DataVersion(value) if value is not None and not isinstance(value, DataVersion) else value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataVersion) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"DataVersion({self.value!r})"


class DataVersionsByPartition:
    """The versions of the content of the partitions of an asset; given by a function that looks at one which is divided.

    Args:
        data_versions_by_partition: partition key to version.
    """

    __slots__ = ("data_versions_by_partition",)

    def __init__(self, data_versions_by_partition: Mapping[str, DataVersion | str]) -> None:
        given = check_mapping(data_versions_by_partition, "data_versions_by_partition", "DataVersionsByPartition")
        self.data_versions_by_partition: Mapping[str, DataVersion] = {
            key: version if isinstance(version, DataVersion) else DataVersion(version) for key, version in given.items()
        }

    def __repr__(self) -> str:
        return f"DataVersionsByPartition({dict(self.data_versions_by_partition)!r})"


class Output(Generic[T]):
    """An output value with its name and metadata; yielded or returned by an op or asset.

    Args:
        value: the value; stored by the output's I/O manager.
        output_name: which output, for ops with several.
        metadata: label to value; kept with the output and, for assets, with the materialisation.
        data_version: the version of the content, for assets.
        tags: tags of the materialisation, for assets.
    """

    __slots__ = ("data_version", "metadata", "output_name", "tags", "value")

    def __init__(
        self,
        value: T,
        output_name: str = DEFAULT_OUTPUT,
        metadata: RawMetadata | None = None,
        data_version: DataVersion | str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.value = value
        self.output_name = output_name
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.data_version = DataVersion.of(data_version)
        self.tags: dict[str, str] = check_mapping(tags, "tags", type(self).__name__) if tags else {}

    def __repr__(self) -> str:
        return f"Output({self.value!r}, output_name={self.output_name!r})"


class DynamicOutput(Generic[T]):
    """One value of a dynamic output; the steps mapped over it get one copy for each `mapping_key`.

    Raises:
        DefinitionError: (WEFT-D060) the mapping key has other characters than letters, digits and ``_``.
    """

    __slots__ = ("mapping_key", "metadata", "output_name", "value")

    def __init__(
        self, value: T, mapping_key: str, output_name: str = DEFAULT_OUTPUT, metadata: RawMetadata | None = None
    ) -> None:
        self.value = value
        self.mapping_key = _checked_mapping_key(mapping_key)
        self.output_name = output_name
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)

    def __repr__(self) -> str:
        return f"DynamicOutput({self.value!r}, mapping_key={self.mapping_key!r})"


def _checked_mapping_key(key: Any) -> str:
    if isinstance(key, str) and _MAPPING_KEY.match(key):
        return key
    raise DefinitionError(
        f"{key!r} cannot be a mapping key.",
        code="WEFT-D060",
        facts={"allowed": "a string of letters from A to Z, digits and _"},
        fix=_plain_key(key),
    )


def _plain_key(key: object) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", str(key)).strip("_")
    return (
        f'derive a plain name from the value, for example "{plain}"' if plain else "derive a plain name from the value"
    )


_UNSET: Any = object()


class AssetCheckResult:
    """The answer of a check.

    Args:
        passed: whether what is checked holds.
        asset_key: needed only where the function checks several assets.
        check_name: needed only where the function evaluates several checks.
        metadata: facts for the reader.
        severity: WARN or ERROR (default); only ERROR stops what a blocking check guards.
        description: one sentence for the reader.
    """

    __slots__ = ("asset_key", "check_name", "description", "metadata", "passed", "severity")

    def __init__(
        self,
        passed: bool,
        *,
        asset_key: CoercibleToAssetKey | None = None,
        check_name: str | None = None,
        metadata: RawMetadata | None = None,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
    ) -> None:
        self.passed = _answer(passed)
        self.asset_key = AssetKey.of(asset_key) if asset_key is not None else None
        self.check_name = check_name
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.severity = _severity(severity)
        self.description = description

    def __repr__(self) -> str:
        return f"AssetCheckResult(passed={self.passed}, check_name={self.check_name!r})"


class AssetCheckEvaluation:
    """The answer of a check that something outside weft evaluated, for ``instance.report_runless_asset_event``.

    Args:
        asset_key: the asset that is checked.
        check_name: the name of the check.
        passed: whether what is checked holds.
        metadata: facts for the reader.
        severity: WARN or ERROR (default).
        description: one sentence for the reader.
        blocking: whether what is downstream waits for it.
        partition: the partition that was checked.
    """

    __slots__ = ("asset_key", "blocking", "check_name", "description", "metadata", "partition", "passed", "severity")

    def __init__(
        self,
        asset_key: CoercibleToAssetKey,
        check_name: str,
        passed: bool,
        metadata: RawMetadata | None = None,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
        blocking: bool = False,
        partition: str | None = None,
    ) -> None:
        self.asset_key = AssetKey.of(asset_key)
        self.check_name = check_name
        self.passed = _answer(passed)
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.severity = _severity(severity)
        self.description = description
        self.blocking = blocking
        self.partition = partition

    @property
    def asset_check_key(self) -> AssetCheckKey:
        """The key of the check."""
        return AssetCheckKey(self.asset_key, self.check_name)

    def to_body(self) -> AssetCheckEvaluated:
        """The event that records it."""
        from weft.model.events import AssetCheckEvaluated  # only who reports an answer needs the events

        return AssetCheckEvaluated(
            check_key=self.asset_check_key,
            passed=self.passed,
            severity=self.severity,
            blocking=self.blocking,
            description=self.description,
            metadata=self.metadata,
            partition=self.partition,
        )


def _answer(passed: Any) -> bool:
    """`passed` as a bool, numpy's included. Anything else (a count, a frame, a message) is likely not meant as an answer."""
    if isinstance(passed, bool):
        return passed
    if type(passed).__module__ == "numpy" and type(passed).__name__ in ("bool", "bool_"):
        return bool(passed)
    raise DefinitionError(
        f"AssetCheckResult(passed=...) was given {type(passed).__name__}, which is no answer.",
        code="WEFT-D078",
        facts={"found": f"{passed!r:.80}"},
        fix="compare it with what is expected, so that it is True or False",
    )


def _severity(severity: Any) -> AssetCheckSeverity:
    if isinstance(severity, str) and severity.upper() in AssetCheckSeverity.__members__:
        return AssetCheckSeverity[severity.upper()]
    checked: AssetCheckSeverity = check_kind(severity, AssetCheckSeverity, "severity", "AssetCheckResult")
    return checked


class MaterializeResult(Generic[T]):
    """An asset was made. With `value` the I/O manager stores it; without, the function stored it itself."""

    __slots__ = ("asset_key", "check_results", "data_version", "metadata", "tags", "value")

    def __init__(
        self,
        *,
        asset_key: CoercibleToAssetKey | None = None,
        metadata: RawMetadata | None = None,
        check_results: Sequence[AssetCheckResult] = (),
        data_version: DataVersion | str | None = None,
        tags: Mapping[str, str] | None = None,
        value: T = _UNSET,
    ) -> None:
        self.asset_key = AssetKey.of(asset_key) if asset_key is not None else None
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.check_results = check_each(check_results, AssetCheckResult, "check_results", type(self).__name__)
        self.data_version = DataVersion.of(data_version)
        self.tags: dict[str, str] = check_mapping(tags, "tags", type(self).__name__) if tags else {}
        self.value = value

    @property
    def has_value(self) -> bool:
        """Whether there is a value for the I/O manager to store."""
        return self.value is not _UNSET

    def __repr__(self) -> str:
        return f"MaterializeResult(asset_key={self.asset_key!r})"


class ObserveResult:
    """Something was seen about an asset that weft does not make."""

    __slots__ = ("asset_key", "check_results", "data_version", "metadata", "tags")

    def __init__(
        self,
        *,
        asset_key: CoercibleToAssetKey | None = None,
        metadata: RawMetadata | None = None,
        check_results: Sequence[AssetCheckResult] = (),
        data_version: DataVersion | str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.asset_key = AssetKey.of(asset_key) if asset_key is not None else None
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.check_results = check_each(check_results, AssetCheckResult, "check_results", type(self).__name__)
        self.data_version = DataVersion.of(data_version)
        self.tags: dict[str, str] = check_mapping(tags, "tags", type(self).__name__) if tags else {}


class AssetMaterialization:
    """A record that something was made outside the assets that the step declares; yielded, or given to ``context.log_event``."""

    __slots__ = ("asset_key", "description", "metadata", "partition", "tags")

    def __init__(
        self,
        asset_key: CoercibleToAssetKey,
        description: str | None = None,
        metadata: RawMetadata | None = None,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.asset_key = AssetKey.of(asset_key)
        self.description = description
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.partition = partition
        self.tags: dict[str, str] = check_mapping(tags, "tags", type(self).__name__) if tags else {}

    @staticmethod
    def file(
        path: str | os.PathLike[str], description: str | None = None, asset_key: CoercibleToAssetKey | None = None
    ) -> AssetMaterialization:
        """A record that a file was written; its path becomes the asset key unless another is given."""
        text = os.fspath(path)
        key = (
            AssetKey([part for part in text.replace("\\", "/").split("/") if part]) if asset_key is None else asset_key
        )
        return AssetMaterialization(key, description=description, metadata={"path": MetadataValue.path(text)})


class ExpectationResult:
    """The answer of an expectation about data, yielded by a step (deprecated: an `AssetCheckResult` says it of an asset). It never fails the step.

    Args:
        success: whether what was expected holds.
        label: what was expected.
        description: one sentence for the reader.
        metadata: facts for the reader.
    """

    __slots__ = ("description", "label", "metadata", "success")

    def __init__(
        self,
        success: bool,
        label: str | None = None,
        description: str | None = None,
        metadata: RawMetadata | None = None,
    ) -> None:
        warn_deprecated("ExpectationResult", "AssetCheckResult")
        self.success = bool(success)
        self.label = label
        self.description = description
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)


class AssetObservation(AssetMaterialization):
    """A record that something was seen about an asset without making it."""

    __slots__ = ()


class Failure(Exception):  # the name that users know
    """Raise it to fail a step with a description and metadata; ``allow_retries=False`` ends it at once.

    Its text is the description.
    """

    def __init__(
        self, description: str | None = None, metadata: RawMetadata | None = None, allow_retries: bool = True
    ) -> None:
        super().__init__(description or "")
        self.description = description
        self.metadata: dict[str, AnyMetadataValue] = metadata_values(metadata)
        self.allow_retries = allow_retries


# What the traceback calls it: the name to import.
Failure.__module__ = "weft"


class Skip(Exception):  # control flow, like Failure and RetryRequested
    """Say that there is nothing to do, and why: raise, return or yield it in an op, an asset, a multi-asset or a check.

    The step is SKIPPED with this reason, and everything below follows the rules of its edges (`EdgeRule`). Of a step with several outputs,
    ``yield Skip(reason, asset_key=...)`` (or ``output_name=...``) skips that one and the function goes on. What was given before stays: a
    step that gave something ends as succeeded, without the outputs that were skipped.

    Args:
        reason: one sentence for the reader.
        asset_key: the one asset that is skipped.
        output_name: the one output that is skipped.

    >>> @asset
    ... def report(orders: list[int]):
    ...     if not orders:
    ...         raise Skip("no orders today")
    ...     return sum(orders)
    """

    def __init__(
        self, reason: str, *, asset_key: CoercibleToAssetKey | None = None, output_name: str | None = None
    ) -> None:
        self.reason: str = check_kind(reason, str, "the reason", "Skip")
        super().__init__(reason)
        self.asset_key = AssetKey.of(asset_key) if asset_key is not None else None
        self.output_name = output_name

    @property
    def is_whole_step(self) -> bool:
        """Whether it names no single asset or output."""
        return self.asset_key is None and self.output_name is None


Skip.__module__ = "weft"


class RetryRequested(Exception):  # the name that users know
    """Raise it to ask for another attempt: at most `max_retries` of them, `seconds_to_wait` apart."""

    def __init__(self, max_retries: int = 1, seconds_to_wait: float | None = None) -> None:
        super().__init__(f"a retry was requested (at most {max_retries})")
        self.max_retries = max_retries
        self.seconds_to_wait = seconds_to_wait


RetryRequested.__module__ = "weft"
