"""The class behind ``db.Model``, made from the class that the application gives."""

from __future__ import annotations

import types
from typing import Any, cast

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from quarterdeck.exceptions import ModelMetadataError

from .model import NAMING_CONVENTION, ModelMixin
from .naming import is_declarative


def make_model(model_class: type[Any] | None, metadata: MetaData | None) -> type[ModelMixin]:
    """Return the base of all models.

    Args:
        model_class: A ``DeclarativeBase`` with ``ModelMixin`` is returned as it is. Any other
            declarative base gets an abstract subclass with ``ModelMixin``. A plain class is
            mixed into a new declarative base.
        metadata: The metadata of a new base.

    Raises:
        ModelMetadataError: If ``model_class`` has metadata already.
    """
    if model_class is None or not is_declarative(model_class):
        return _make_base(model_class, metadata)
    if metadata is not None:
        raise ModelMetadataError(model_class.__name__)
    if issubclass(model_class, ModelMixin):
        return model_class
    return _extend(model_class)


def _make_base(mixin: type[Any] | None, metadata: MetaData | None) -> type[ModelMixin]:
    mixins = (ModelMixin,) if mixin is None else _ordered(mixin)
    namespace: dict[str, Any] = {}
    if metadata is not None:
        metadata.info["bind_key"] = None
        namespace["metadata"] = metadata
    return cast(
        "type[ModelMixin]",
        types.new_class(
            "Model", (*mixins, DeclarativeBase), {}, lambda body: body.update(namespace)
        ),
    )


def _ordered(mixin: type[Any]) -> tuple[type[Any], ...]:
    return (mixin,) if issubclass(mixin, ModelMixin) else (mixin, ModelMixin)


def _extend(base: type[Any]) -> type[ModelMixin]:
    """Return an abstract subclass, whose models share the registry of the base."""
    metadata: MetaData = base.metadata
    if metadata.naming_convention == MetaData().naming_convention and not metadata.tables:
        metadata.naming_convention = NAMING_CONVENTION  # migrations need names
    metadata.info.setdefault("bind_key", None)
    namespace = {"__abstract__": True, "__module__": base.__module__}
    return cast(
        "type[ModelMixin]",
        types.new_class("Model", (ModelMixin, base), {}, lambda body: body.update(namespace)),
    )
