"""Checking the documents of a project without building definitions: their form, their types, their attributes, what they require."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from weft.components.tree import ComponentTree, Declared
from weft.errors import LoadError, Problem


def check_documents(start: Path, paths: Sequence[Path] = (), *, requirements: bool = False) -> int:
    """Check the documents of the project that `start` is in. How many there are.

    Args:
        start: a folder of the project.
        paths: files and folders to look at; the whole folder of definitions by default.
        requirements: whether environment variables that documents require have to be set, and those that their templates read to be required.

    Raises:
        LoadError: with every problem of every document.
    """
    tree = ComponentTree.for_project(start)
    places = [path.resolve() for path in paths] or [tree.project.defs_folder]
    declared = {id(one): one for place in places for one in tree.all_declared(place)}
    count = 0
    for one in declared.values():
        if one.declaration is None:
            continue
        count += 1
        tree.made(one)
        if requirements:
            tree.problems += _requirements_of(one)
    if tree.problems:
        raise LoadError.from_problems(tree.problems)
    return count


def _requirements_of(declared: Declared) -> list[Problem]:
    declaration = declared.declaration
    if declaration is None:
        return []
    path = ("requirements", "env")
    missing = [
        declaration.document.problem(
            "WEFT-L028",
            f'The environment variable "{name}", which the component requires, is not set.',
            (*path, position),
            fix="set it",
        )
        for position, name in enumerate(declaration.required_env)
        if name not in os.environ
    ]
    undeclared = [
        declaration.document.problem(
            "WEFT-L029",
            f'A template reads the environment variable "{name}", which the component does not require.',
            path,
            fix=f"add it: requirements: {{env: [{name}]}}",
        )
        for name in sorted(declared.env - set(declaration.required_env))
    ]
    return [*missing, *undeclared]
