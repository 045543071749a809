"""Handling what a step returns or yields: checking types, storing values through I/O managers, recording materialisations and checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from weft.definitions.results import (
    AssetCheckResult,
    AssetMaterialization,
    AssetObservation,
    DataVersion,
    DataVersionsByPartition,
    DynamicOutput,
    ExpectationResult,
    MaterializeResult,
    ObserveResult,
    Output,
    Skip,
)
from weft.errors import ExecutionError, TypeCheckError, did_you_mean, some_of
from weft.execution.contexts import ExecutionContext, event_body
from weft.execution.data_versions import SETTINGS_TAG, computed_version
from weft.execution.io_contexts import OutputContext
from weft.execution.reuse import input_versions, partitions_of
from weft.execution.run_context import RunContext
from weft.execution.settings_version import settings_of_step
from weft.model.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    AssetObserved,
    EngineEvent,
    OutputHandled,
    OutputSkipped,
    StepOutput,
)
from weft.model.keys import AssetKey
from weft.model.metadata import AnyMetadataValue
from weft.model.plan import StepOutputPlan
from weft.planning.run_machine import CheckEvaluated, OutputLeftOut, OutputProduced, Stimulus

_NO_VALUE = object()


class OutputHandler:
    """Takes what one attempt of a step gives, one thing after another. `finish` says what was missing.

    `stimuli` is what the run machine has to know of it, in order.
    """

    __slots__ = ("_context", "_inputs", "_outputs", "_run", "_seen", "_skips", "is_over", "stimuli", "values")

    def __init__(self, run_context: RunContext, context: ExecutionContext) -> None:
        self._run = run_context
        self._context = context
        self._outputs: dict[str, StepOutputPlan] = {output.name: output for output in context.step.outputs}
        self._seen: dict[str, set[str | None]] = {}
        # Partition to the versions of what was read for it.
        self._inputs: dict[str | None, Mapping[str, str]] = {}
        # Output name to the reason for which it was left out.
        self._skips: dict[str, str] = {}
        # Whether the function said that it gives nothing more.
        self.is_over = False
        self.stimuli: list[Stimulus] = []
        # Output name to value, for hooks and results.
        self.values: dict[str, Any] = {}

    # --- what a function returned ------------------------------------------------------------------------------------

    def returned(self, result: Any) -> None:
        """Take the return value of a function that is no generator."""
        if isinstance(result, _EVENTS):
            self.yielded(result)
            return
        declared = [output for output in self._outputs.values() if output.check_key is None]
        if not declared and self._outputs:
            self._returned_check(result)
        elif len(declared) == 1:
            self._returned_value(declared[0], result)
        elif isinstance(result, tuple) and (
            len(result) == len(declared) or any(isinstance(r, _EVENTS) for r in result)
        ):
            for output, value in zip(declared, result, strict=False):
                if isinstance(value, Skip) and value.is_whole_step:  # in the place of its output
                    self._skip_output(output, value.reason)
                else:
                    self.yielded(value if isinstance(value, _EVENTS) else Output(value, output.name))
            for extra in result[len(declared) :]:
                self.yielded(extra)
        elif isinstance(result, list) and result and all(isinstance(item, _EVENTS) for item in result):
            for item in result:
                self.yielded(item)
        elif result is not None:
            raise self._error(
                "WEFT-X004",
                f"returned {type(result).__name__}, but has {len(declared)} outputs.",
                fix="return a tuple with one value for each output in their order, or yield Output(value, name)",
                outputs=some_of(output.name for output in declared),
            )

    def _returned_value(self, output: StepOutputPlan, result: Any) -> None:
        if isinstance(result, (DataVersion, DataVersionsByPartition)) and self._only_observes:
            self.yielded(result)
        elif isinstance(result, (list, tuple)) and result and all(isinstance(item, _EVENTS) for item in result):
            for item in result:
                self.yielded(item)
        elif output.is_dynamic:
            raise self._error(
                "WEFT-X004",
                f"returned {type(result).__name__} for a dynamic output.",
                fix="yield DynamicOutput(value, mapping_key=...) for each value",
            )
        elif result is None and (output.is_nothing or output.asset_key is not None):
            return  # emitted by `finish`: there is no value to store
        else:
            self._store(output, result, None, {}, None, {})

    def _returned_check(self, result: Any) -> None:
        if isinstance(result, bool) or (type(result).__module__, type(result).__name__) in _BOOLS_OF_NUMPY:
            self.yielded(AssetCheckResult(bool(result)))
        elif isinstance(result, (list, tuple)) and all(isinstance(item, AssetCheckResult) for item in result):
            for item in result:
                self.yielded(item)
        else:
            raise self._error(
                "WEFT-X005",
                f"returned {type(result).__name__} instead of an answer.",
                fix="return a bool or an AssetCheckResult",
            )

    # --- what a function yielded -------------------------------------------------------------------------------------

    def yielded(self, item: Any) -> None:
        """Take one thing that the function yielded.

        Raises:
            ExecutionError: it is not one of the kinds that may be yielded, or names an output that is not there.
        """
        if isinstance(item, Output):
            output = self._output(item.output_name)
            self._store(output, item.value, None, item.metadata, item.data_version, item.tags)
        elif isinstance(item, DynamicOutput):
            self._store(self._output(item.output_name), item.value, item.mapping_key, item.metadata, None, {})
        elif isinstance(item, MaterializeResult):
            self._materialize_result(item)
        elif isinstance(item, AssetCheckResult):
            self._check_result(item)
        elif isinstance(item, ObserveResult):
            self._observe_result(item)
        elif isinstance(item, (DataVersion, DataVersionsByPartition)) and self._only_observes:
            self._observe_versions(item)
        elif isinstance(item, Skip):
            self.skipped(item)
        elif isinstance(item, (AssetMaterialization, AssetObservation)):
            self._run.record(event_body(item), self._context.step.key)
        elif isinstance(item, ExpectationResult):
            self._run.record(_expectation(item), self._context.step.key)
        else:
            raise self._error(
                "WEFT-X006",
                f"yielded {type(item).__name__}, which is not an event.",
                fix="yield Output(value), MaterializeResult(...) or AssetCheckResult(...); return plain values instead of yielding them",
            )

    def skipped(self, skip: Skip) -> None:
        """Take a `Skip`, of one output or of all that were not given yet."""
        if skip.output_name is not None:
            self._skip_output(self._output(skip.output_name), skip.reason)
        elif skip.asset_key is not None:
            self._skip_output(self._asset_output(skip.asset_key), skip.reason)
        else:
            self.is_over = True
            for output in self._outputs.values():
                if output.name not in self._seen:
                    self._skip_output(output, skip.reason)
            if not self._outputs:  # a function without outputs may have nothing to do as well
                self._skips[""] = skip.reason

    def _skip_output(self, output: StepOutputPlan, reason: str) -> None:
        self._refuse_repeated(output, None)
        self._note(output, None)
        self._skips[output.name] = reason

    def finish(self) -> str | None:
        """Make the outputs that carry no value and were not given; complain about required ones that are missing.

        Returns:
            Why the whole step is skipped, where the function gave nothing and said so; otherwise None.
        """
        if self._skips:
            if self._seen.keys() <= self._skips.keys():
                return "; ".join(dict.fromkeys(self._skips.values()))
            self._record_skips()
        for output in self._outputs.values():
            if output.name in self._seen or output.is_dynamic:
                continue
            if output.check_key is not None:
                if output.is_required or not any(o.check_key is None for o in self._outputs.values()):
                    self._missing_check(output)
                continue
            if not output.is_required:
                continue
            if output.is_nothing or output.asset_key is not None:
                if output.asset_key is not None and self._context.expected_results is not None:
                    raise self._context.expected_results
                self._emit(output, _NO_VALUE, None, {}, None, {})
            else:
                raise self._error(
                    "WEFT-X007",
                    f'ended without its output "{output.name}".',
                    fix=f"yield Output(value, {output.name!r}), or declare it Out(is_required=False)",
                    yielded=some_of(self._seen) if self._seen else "(nothing)",
                )
        return None

    def _record_skips(self) -> None:
        key = self._context.step.key
        for name, reason in self._skips.items():
            asset_key = self._outputs[name].asset_key
            self._run.record(OutputSkipped(output_name=name, reason=reason, asset_key=asset_key), key)
            self.stimuli.append(OutputLeftOut(key, name, reason))

    def _missing_check(self, output: StepOutputPlan) -> None:
        assert output.check_key is not None
        raise self._error(
            "WEFT-X005",
            f'ended without the answer of its check "{output.check_key.name}".',
            fix="return or yield an AssetCheckResult for it",
        )

    # --- kinds -------------------------------------------------------------------------------------------------------

    def _materialize_result(self, item: MaterializeResult[Any]) -> None:
        output = self._asset_output(item.asset_key)
        value = item.value if item.has_value else _NO_VALUE
        self._emit(
            output, value, None, item.metadata, item.data_version.value if item.data_version else None, item.tags
        )
        for check in item.check_results:
            if check.asset_key is None:
                check.asset_key = output.asset_key
            self._check_result(check)

    def _observe_result(self, item: ObserveResult) -> None:
        output = self._asset_output(item.asset_key)
        assert output.asset_key is not None
        for partition in self._partitions_of(output):
            self._run.record(
                AssetObserved(
                    asset_key=output.asset_key,
                    partition=partition,
                    metadata=item.metadata,
                    tags=item.tags,
                    data_version=item.data_version.value if item.data_version else None,
                ),
                self._context.step.key,
            )
        self._note(output, None)
        for check in item.check_results:
            if check.asset_key is None:
                check.asset_key = output.asset_key
            self._check_result(check)

    @property
    def _only_observes(self) -> bool:
        definition = self._run.definition_of_step(self._context.step.key)
        return definition is not None and definition.is_observable

    def _observe_versions(self, item: DataVersion | DataVersionsByPartition) -> None:
        if isinstance(item, DataVersion):
            self._observe_result(ObserveResult(data_version=item))
            return
        output = self._asset_output(None)
        assert output.asset_key is not None
        for partition, version in item.data_versions_by_partition.items():
            self._run.record(
                AssetObserved(asset_key=output.asset_key, partition=partition, data_version=version.value),
                self._context.step.key,
            )
        self._note(output, None)

    def _refuse_making(self, output: StepOutputPlan) -> None:
        """Refuse a value or materialisation of an asset that the step only looks at."""
        if output.asset_key is not None and self._only_observes:
            raise self._error(
                "WEFT-X070",
                f'gave a value for "{output.asset_key.to_user_string()}", which it only observes.',
                fix="return DataVersion(...) or ObserveResult(...); to make the asset, use @asset",
            )

    def _check_result(self, item: AssetCheckResult) -> None:
        output = self._check_output(item)
        key = output.check_key
        assert key is not None
        definition = self._run.definition_of_step(self._context.step.key)
        blocking = definition is not None and any(spec.blocking for spec in definition.check_specs if spec.key == key)
        self._run.record(
            AssetCheckEvaluated(
                check_key=key,
                passed=item.passed,
                severity=item.severity,
                blocking=blocking,
                description=item.description,
                metadata=item.metadata,
                partition=self._run.partitions.key,
            ),
            self._context.step.key,
        )
        self.stimuli.append(
            CheckEvaluated(step_key=self._context.step.key, check_key=key, passed=item.passed, severity=item.severity)
        )
        self._note(output, None)

    # --- storing -----------------------------------------------------------------------------------------------------

    def _store(
        self,
        output: StepOutputPlan,
        value: Any,
        mapping_key: str | None,
        metadata: Mapping[str, AnyMetadataValue],
        data_version: Any,
        tags: Mapping[str, str],
    ) -> None:
        version = data_version.value if data_version is not None else None
        no_value = output.is_nothing or (value is None and output.asset_key is not None)
        self._emit(output, _NO_VALUE if no_value else value, mapping_key, metadata, version, tags)

    def _emit(
        self,
        output: StepOutputPlan,
        value: Any,
        mapping_key: str | None,
        metadata: Mapping[str, AnyMetadataValue],
        data_version: str | None,
        tags: Mapping[str, str],
    ) -> None:
        context = self._context
        step_key = context.step.key
        self._refuse_making(output)
        self._refuse_repeated(output, mapping_key)
        added = context.output_metadata(output.name, mapping_key)
        said: Mapping[str, AnyMetadataValue] = {**metadata, **added} if added else metadata
        if self._run.resources.step_metadata:
            said = {**self._run.resources.step_metadata, **said}
        value_type = context.op_def.output_types.get(output.name)
        type_name = None
        if value is not _NO_VALUE and value_type is not None and getattr(value_type, "checks_anything", True):
            type_name = value_type.name
            problem = value_type.check(value)
            if problem is not None:
                self._run.record(
                    StepOutput(output_name=output.name, mapping_key=mapping_key, type_name=type_name, passed=False),
                    step_key,
                )
                raise TypeCheckError(
                    f'output "{output.name}" of step "{step_key}" does not have its declared type.',
                    code="WEFT-X021",
                    facts={"declared": type_name, "found": problem, "declared in": context.op_def.declared_at or "?"},
                    fix="change the annotation, or what the function returns",
                )
        self._run.record(
            StepOutput(output_name=output.name, mapping_key=mapping_key, type_name=type_name, metadata=said), step_key
        )
        if metadata:
            context.add_output_metadata(said, output.name, mapping_key)  # for hooks
        if value is not _NO_VALUE:
            stored = self._hand_over(output, value, mapping_key)
            if stored:
                said = {**said, **stored}
            self.values[output.name] = value
            if self._run.captured_outputs is not None:
                self._run.captured_outputs[step_key, output.name, mapping_key] = value
        if output.asset_key is not None:
            has_value = value is not _NO_VALUE
            self._record_materializations(output, output.asset_key, said, data_version, tags, has_value)
        self._note(output, mapping_key)
        self.stimuli.append(OutputProduced(step_key=step_key, output_name=output.name, mapping_key=mapping_key))

    def _hand_over(self, output: StepOutputPlan, value: Any, mapping_key: str | None) -> Mapping[str, AnyMetadataValue]:
        run, context = self._run, self._context
        step = context.step
        spec = run.target.spec(output.asset_key) if output.asset_key is not None else None
        declared = context.op_def.outs[output.name]
        partitions_def = spec.partitions_def if spec is not None else None
        output_context = OutputContext(
            name=output.name,
            step_key=step.key,
            run_id=run.run.id,
            job_name=run.run.job_name,
            op_name=step.op_name,
            asset_key=output.asset_key,
            asset_spec=spec,
            asset_partitions_def=partitions_def,
            partition_keys=run.partitions.keys(partitions_def) if partitions_def is not None else (),
            run_partition_key=run.partitions.key,
            run_tags=run.run.tags,
            definition_metadata=spec.metadata if spec is not None and spec.metadata else declared.metadata,
            value_type=context.op_def.output_types.get(output.name),
            mapping_key=mapping_key,
            resources=run.resources.all(),
            resource_config=run.config.resources.get(output.io_manager_key),
            config=_config_of_output(run.config_of(step.key), output.name),
            log=context.log,
            op_def=context.op_def,
        )
        manager = run.resources.get(output.io_manager_key)
        run.interruption.enter_user_code()
        try:
            result = manager.handle_output(output_context, value)
            if isinstance(result, Iterator):
                for item in result:
                    self._from_manager(output_context, item)
            for event in output_context.logged_events:
                self._from_manager(output_context, event)
        finally:
            run.interruption.leave_user_code()
        said = output_context.output_metadata
        run.record(
            OutputHandled(
                output_name=output.name, manager_key=output.io_manager_key, mapping_key=mapping_key, metadata=said
            ),
            step.key,
        )
        return said

    def _from_manager(self, output_context: OutputContext, item: Any) -> None:
        if isinstance(item, Mapping):
            output_context.add_output_metadata(item)
        elif isinstance(item, (AssetMaterialization, AssetObservation)):
            self._run.record(event_body(item), self._context.step.key)
        else:
            raise self._error(
                "WEFT-X006",
                f"has an I/O manager that yielded {type(item).__name__}.",
                fix="yield AssetMaterialization, or call context.add_output_metadata(...)",
            )

    def _record_materializations(
        self,
        output: StepOutputPlan,
        key: AssetKey,
        metadata: Mapping[str, AnyMetadataValue],
        data_version: str | None,
        tags: Mapping[str, str],
        has_value: bool,
    ) -> None:
        run, context = self._run, self._context
        spec = run.target.spec(key)
        code_version = (spec.code_version if spec is not None else None) or context.step.code_version
        given = context.data_version(key)
        version = data_version or (given.value if given is not None else None)
        # Without a code version nothing is compared by it: every run makes another version.
        settings = settings_of_step(run, context.step) if code_version is not None else None
        if settings is not None:
            tags = {**tags, SETTINGS_TAG: settings}
        for partition in self._partitions_of(output):
            inputs = self._input_versions(partition)
            made = version or computed_version(code_version, run.run.id, inputs, settings)
            added = context.asset_metadata(key, partition)
            run.record(
                AssetMaterialized(
                    asset_key=key,
                    partition=partition,
                    metadata={**metadata, **added} if added else metadata,
                    tags=tags,
                    data_version=made,
                    code_version=code_version,
                    input_data_versions=inputs,
                    has_value=has_value,
                ),
                context.step.key,
            )
            run.data_versions.made(key, partition, made)

    def _partitions_of(self, output: StepOutputPlan) -> list[str | None]:
        return partitions_of(self._run, output.asset_key) if output.asset_key is not None else [None]

    def _input_versions(self, partition: str | None) -> Mapping[str, str]:
        found = self._inputs.get(partition)
        if found is None:
            found = self._inputs[partition] = input_versions(self._run, self._context.step, partition)
        return found

    # --- finding outputs ---------------------------------------------------------------------------------------------

    def _note(self, output: StepOutputPlan, mapping_key: str | None) -> None:
        self._seen.setdefault(output.name, set()).add(mapping_key)

    def _refuse_repeated(self, output: StepOutputPlan, mapping_key: str | None) -> None:
        seen = self._seen.get(output.name)
        if seen is None or mapping_key not in seen:
            return
        raise self._error(
            "WEFT-X008",
            f'gave its output "{output.name}" twice.',
            fix="give each output once; use DynamicOut for several values, each with its own mapping key",
            mapping_key=mapping_key or "(none)",
        )

    def _output(self, name: str) -> StepOutputPlan:
        found = self._outputs.get(name)
        if found is not None:
            return found
        declared = self._context.op_def.outs
        if name in declared:
            raise self._error(
                "WEFT-X009",
                f'gave its output "{name}", which this run did not ask for.',
                fix="look at context.selected_output_names before making an output",
                asked_for=some_of(self._outputs),
            )
        raise self._error(
            "WEFT-X003",
            f'gave an output "{name}", which it does not declare.',
            fix=did_you_mean(name, declared, "declare it, or correct the name"),
            declared=some_of(declared),
        )

    def _asset_output(self, key: AssetKey | None) -> StepOutputPlan:
        assets = [output for output in self._outputs.values() if output.asset_key is not None]
        if key is None and len(assets) == 1:
            return assets[0]
        for output in assets:
            if output.asset_key == key:
                return output
        known = [output.asset_key.to_user_string() for output in assets if output.asset_key is not None]
        named = key.to_user_string() if key is not None else "(none)"
        raise self._error(
            "WEFT-X014",
            "gave a result for an asset that this step does not make in this run.",
            fix=did_you_mean(named, known, "name one of its assets: MaterializeResult(asset_key=...)"),
            named=named,
            makes=some_of(known),
        )

    def _check_output(self, item: AssetCheckResult) -> StepOutputPlan:
        checks = [output for output in self._outputs.values() if output.check_key is not None]
        matching = [
            output
            for output in checks
            if output.check_key is not None
            and (item.check_name is None or output.check_key.name == item.check_name)
            and (item.asset_key is None or output.check_key.asset_key == item.asset_key)
        ]
        if len(matching) == 1:
            return matching[0]
        known = [output.check_key.name for output in checks if output.check_key is not None]
        raise self._error(
            "WEFT-X015",
            "gave the answer of a check that it does not declare."
            if not matching
            else "gave the answer of a check without saying of which.",
            fix=did_you_mean(
                item.check_name or "", known, "declare it in check_specs, and name it: AssetCheckResult(check_name=...)"
            ),
            named=item.check_name or "(none)",
            declares=some_of(known),
        )

    def _error(self, code: str, what: str, *, fix: str, **facts: object) -> ExecutionError:
        op = self._context.op_def
        shown = {label.replace("_", " "): value for label, value in facts.items()}
        return ExecutionError(
            f'step "{self._context.step.key}" {what}',
            code=code,
            facts={**shown, "declared in": op.declared_at or "?"},
            fix=fix,
        )


def _config_of_output(of_step: Mapping[str, Any], name: str) -> Any:
    outputs = of_step.get("outputs")
    return outputs.get(name) if isinstance(outputs, Mapping) else None


# The second is its name up to numpy 1.
_BOOLS_OF_NUMPY = (("numpy", "bool"), ("numpy", "bool_"))

_EVENTS = (
    Output,
    DynamicOutput,
    MaterializeResult,
    AssetCheckResult,
    ObserveResult,
    AssetMaterialization,
    AssetObservation,
    ExpectationResult,
    Skip,
)


def _expectation(item: ExpectationResult) -> EngineEvent:
    said = ": ".join(text for text in (item.label, item.description) if text)
    return EngineEvent(
        message=f"Expectation {'passed' if item.success else 'did not pass'}{f': {said}' if said else ''}",
        metadata=item.metadata,
    )
