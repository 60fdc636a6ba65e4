"""What is inside annotated types: the type behind a name, and the members of records."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from typing import Any, FrozenSet, List, Mapping, NamedTuple, Optional

from ._names import Names, is_model, json_name


class Member(NamedTuple):
    """A member of a record."""

    name: str
    json: str
    hint: Any
    is_required: bool


def unwrapped(kind: Any) -> Any:
    """The type behind Annotated[…] and NewType."""
    while True:
        if hasattr(kind, "__metadata__"):
            kind = kind.__origin__
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        else:
            return kind


def is_union(kind: Any) -> bool:
    """Whether it is Union[…], Optional[…], or X | Y of Python 3.10."""
    origin = typing.get_origin(kind)
    return origin is typing.Union or (sys.version_info >= (3, 10) and origin is types.UnionType)


def options_of(kind: Any) -> List[Any]:
    """The types of a union, without None; otherwise the type itself."""
    if not is_union(kind):
        return [kind]
    return [one for one in typing.get_args(kind) if one is not type(None)] or [type(None)]


def is_record(kind: type) -> bool:
    """Whether it is a dataclass, a NamedTuple or a TypedDict."""
    return dataclasses.is_dataclass(kind) or issubclass(kind, tuple) and hasattr(kind, "_fields") \
        or issubclass(kind, dict) and hasattr(kind, "__total__")


def members_of(kind: type, names: Names) -> Optional[List[Member]]:
    """The members of a dataclass, a NamedTuple or a TypedDict; None for other types."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return [Member(field.name, json_name(field, names), hints[field.name],
                       field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)
                for field in dataclasses.fields(kind) if field.init]
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        hints, defaults = typing.get_type_hints(kind), getattr(kind, "_field_defaults", {})
        return [Member(name, names(name), hints.get(name, Any), name not in defaults) for name in kind._fields]
    if issubclass(kind, dict) and hasattr(kind, "__total__"):
        hints = typing.get_type_hints(kind)
        required = getattr(kind, "__required_keys__", frozenset(hints))
        return [Member(name, name, hint, name in required) for name, hint in hints.items()]
    return None


def names_of(kind: Any, names: Names) -> Optional[FrozenSet[str]]:
    """The names in JSON of the members of a record or a model of pydantic; None for other types."""
    base = typing.get_origin(kind) or kind
    if not isinstance(base, type):
        return None
    if is_model(base):
        return frozenset(name for field in model_fields(base) for name in field.names)
    members = members_of(base, names)
    return None if members is None else frozenset(one.json for one in members)


class ModelField(NamedTuple):
    """A field of a model of pydantic."""

    names: List[str]
    """The names by which it is read; only the first one by default."""
    hint: Any
    is_encoded: bool
    """Whether its type decodes a text by itself, such as Base64Bytes."""


def model_fields(kind: Any) -> List[ModelField]:
    """The fields of a model of pydantic, 1 or 2; empty for something else with the same methods."""
    if getattr(kind, "__pydantic_complete__", True) is False:
        kind.model_rebuild(raise_errors=False)      # names of types that are defined behind it
    fields = getattr(kind, "model_fields", None) or getattr(kind, "__fields__", None)
    if not isinstance(fields, Mapping):
        return []
    found = []
    for name, field in fields.items():
        aliases = [getattr(field, one, None) for one in ("validation_alias", "alias")]
        found.append(ModelField([one for one in dict.fromkeys([*aliases, name]) if isinstance(one, str)],
                                getattr(field, "outer_type_", None) or getattr(field, "annotation", Any),
                                any(hasattr(one, "encoder") for one in getattr(field, "metadata", None) or ())))
    return found
