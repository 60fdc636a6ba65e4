"""What is inside annotated types: the type behind a name, and the members of records."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from typing import Any, List, NamedTuple, Optional

from ._names import Names, json_name


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
