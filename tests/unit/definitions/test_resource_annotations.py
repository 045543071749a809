# ruff: noqa: UP045  # the old spelling of Optional is what is tested
"""Annotations say what is configuration and what is a resource, without pydantic."""

from __future__ import annotations

import pickle
from typing import Annotated, Generic, Optional, TypeVar

import pytest

from weft.definitions.resource_annotations import (
    RESOURCE_PARAM,
    ResourceDependency,
    ResourceParam,
    config_class_of,
    has_resource_marker,
    is_config_class,
    is_resource_annotation,
    resource_type_of,
)

T = TypeVar("T")


class FakeConfig:
    __weft_config__ = True


class SubConfig(FakeConfig):
    pass


class FakeResource:
    __weft_resource__ = True


class Factory(FakeResource, Generic[T]):
    pass


class Client:
    pass


@pytest.mark.parametrize(
    "annotation", [FakeConfig, SubConfig, Optional[FakeConfig], Annotated[FakeConfig, "doc"], FakeConfig | None]
)
def test_config_classes_are_recognised(annotation: object) -> None:
    assert is_config_class(annotation)
    assert not is_resource_annotation(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        FakeResource,
        Factory,
        Factory[Client],
        Optional[FakeResource],
        ResourceParam[Client],
        ResourceDependency[Client],
        Optional[ResourceParam[Client]],
        ResourceParam[Optional[Client]],
        Annotated[ResourceParam[Client], "doc"],
    ],
)
def test_resource_annotations_are_recognised(annotation: object) -> None:
    assert is_resource_annotation(annotation)
    assert not is_config_class(annotation)


@pytest.mark.parametrize(
    "annotation", [int, str, Client, Optional[int], list[FakeConfig], FakeConfig | FakeResource, "FakeConfig", None, T]
)
def test_everything_else_is_neither(annotation: object) -> None:
    assert not is_config_class(annotation)
    assert not is_resource_annotation(annotation)


def test_an_instance_is_not_an_annotation() -> None:
    assert not is_config_class(FakeConfig())
    assert not is_resource_annotation(FakeResource())


def test_the_config_class_is_found_inside_optional() -> None:
    assert config_class_of(Optional[SubConfig]) is SubConfig
    assert config_class_of(int) is None


def test_the_promised_type_is_what_the_wrapper_wraps() -> None:
    assert resource_type_of(ResourceParam[Client]) is Client
    assert resource_type_of(Optional[FakeResource]) is FakeResource
    assert has_resource_marker(ResourceParam[int])
    assert not has_resource_marker(FakeResource)


def test_markers_stay_the_same_object_through_pickle() -> None:
    assert pickle.loads(pickle.dumps(RESOURCE_PARAM)) is RESOURCE_PARAM
