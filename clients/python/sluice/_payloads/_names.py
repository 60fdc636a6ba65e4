"""Names of members, in Python and in JSON; and which types are models of pydantic."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

Names = Callable[[str], str]


def pascal_case(name: str) -> str:
    """``user_name`` as ``UserName``, the way C# names the properties of a record."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def json_name(field: "dataclasses.Field[Any]", names: Names) -> str:
    given = field.metadata.get("json")
    return given if isinstance(given, str) else names(field.name)


def is_model(kind: Any) -> bool:
    """Whether a type is a model of pydantic, 1 or 2, or something with the same methods."""
    return callable(getattr(kind, "model_validate", None)) or (callable(getattr(kind, "parse_obj", None)) and hasattr(kind, "__fields__"))
