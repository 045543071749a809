"""Components that make assets by a statement of SQL, on a connection that is a resource.

Values reach the statement as bound parameters, never as text. The connection is anything with ``execute`` or ``cursor`` (DB-API connections, DuckDB), or a resource with
``get_connection`` or ``connect``, which gives one as a context manager or as it is.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from weft.components.component import ComponentLoadContext
from weft.components.resolution import Model
from weft.components.steps import StepComponent
from weft.components.templates import Environment
from weft.config.secrets import Redaction
from weft.definitions.definitions import Definitions
from weft.definitions.results import Failure
from weft.errors import DefinitionError

if TYPE_CHECKING:
    from weft.execution.contexts import AssetExecutionContext


class SqlComponent(StepComponent):
    """Makes its assets by a statement of SQL. Derive from it and say which."""

    connection: str = Field(description="The key of the resource that is the connection.")
    parameters: dict[str, Any] | list[Any] = Field(
        default={}, description="Values for the parameters of the statement."
    )
    partition_parameter: str | None = Field(
        default=None, description="The parameter that gets the partition key of the run."
    )

    # Environment variables that the templates of the declaration have asked for.
    _env: frozenset[str] = PrivateAttr(default=frozenset())

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """See `StepComponent.build_defs`."""
        env = context.resolution_context.scope.get("env")
        self._env = frozenset(env.noted) if isinstance(env, Environment) else frozenset()
        return super().build_defs(context)

    @abstractmethod
    def get_sql_content(self, context: AssetExecutionContext, folder: Path) -> str:
        """The statement."""

    def resource_keys(self) -> set[str]:
        """The connection."""
        return {self.connection}

    def execute(self, context: AssetExecutionContext, folder: Path) -> Mapping[str, Any]:
        """Execute the statement and commit. Metadata are the statement, without what it got from the environment, and how many rows it changed, where the
        connection says so.
        """
        statement, bound = self.get_sql_content(context, folder), self.bound_parameters(context)
        with _opened(getattr(context.resources, self.connection)) as connection:
            run = getattr(connection, "execute", None) or connection.cursor().execute
            cursor = run(statement, bound) if bound else run(statement)
            count = getattr(cursor, "rowcount", None)
            commit = getattr(connection, "commit", None)
            if commit is not None:
                commit()
        hidden = Redaction(os.environ[name] for name in self._env if name in os.environ)
        found: dict[str, Any] = {"sql": hidden.text(statement)}
        if isinstance(count, int) and count >= 0:
            found["rows"] = count
        return found

    def bound_parameters(self, context: AssetExecutionContext) -> Any:
        """The values that the statement gets.

        Raises:
            Failure: the statement wants the partition key, and its other parameters are a list.
        """
        if self.partition_parameter is None:
            return self.parameters
        if isinstance(self.parameters, list):
            raise Failure("partition_parameter needs named parameters: write them as a mapping.", allow_retries=False)
        return {**self.parameters, self.partition_parameter: context.partition_key}


class SqlFile(Model):
    """A statement in a file of its own."""

    path: str = Field(description="The file, from the folder of the declaration.")


class TemplatedSqlComponent(SqlComponent):
    """Makes its assets by the statement in ``sql``: a text whose templates are filled in when it is loaded, or a file.

    Names of tables and columns may come from templates; values belong in ``parameters``.
    """

    sql: str | SqlFile

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The step; the file has to be there when definitions are loaded.

        Raises:
            DefinitionError: (WEFT-D587) there is no such file.
        """
        if isinstance(self.sql, SqlFile) and not (context.folder / self.sql.path).is_file():
            raise DefinitionError(
                f"there is no file {self.sql.path}.",
                code="WEFT-D587",
                facts={
                    "at": context.declared_at or str(context.path),
                    "looked for": str(context.folder / self.sql.path),
                },
                fix="name a file from the folder of the declaration",
            )
        return super().build_defs(context)

    def get_sql_content(self, context: AssetExecutionContext, folder: Path) -> str:
        """The text, or what is in the file."""
        return self.sql if isinstance(self.sql, str) else (folder / self.sql.path).read_text("utf-8")


def _opened(resource: Any) -> AbstractContextManager[Any]:
    if hasattr(resource, "execute") or hasattr(resource, "cursor"):
        return nullcontext(resource)
    for name in ("get_connection", "connect"):
        make = getattr(resource, name, None)
        if make is not None:
            made = make()
            return made if hasattr(made, "__enter__") and not hasattr(made, "cursor") else nullcontext(made)
    raise Failure(
        f"the resource is no connection: a {type(resource).__name__} has neither execute, cursor, get_connection nor connect.",
        allow_retries=False,
    )
