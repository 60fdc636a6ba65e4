"""Compares an annotated type with what C# says of a stream's values: the JSON schema of its type."""

from __future__ import annotations

import datetime as dt
import enum
import json
import typing
import uuid
from collections import abc
from decimal import Decimal
from typing import Any, Dict, FrozenSet, List, Optional, Set, Tuple

from ._members import Member, is_record, members_of, options_of, plain_of, unwrapped
from ._mistakes import step
from ._names import Names, is_model, pascal_case

_SHOWN = {"integer": "an integer", "number": "a number", "string": "a text", "boolean": "true or false", "array": "a list",
          "object": "an object", "null": "null"}
_PLAIN: Dict[Any, str] = {int: "integer", float: "number", Decimal: "number", str: "string", bool: "boolean", type(None): "null",
                          bytes: "string", bytearray: "string", uuid.UUID: "string", dt.datetime: "string", dt.date: "string",
                          dt.time: "string", dt.timedelta: "string"}
_FORMATS: Dict[Any, str] = {dt.datetime: "date-time", dt.date: "date", dt.time: "time", uuid.UUID: "uuid"}
_LISTS = (list, set, frozenset, abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence, abc.Set, abc.MutableSet)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_MOST_DEPTH = 64


def conflict(schema: Any, kind: Any, names: Names, reads: bool) -> Optional[str]:
    """Why a value of C# is never read as a type (``reads``), or a value of the type never by C#; None if no reason is known.

    What some values have and others do not, such as null, is not compared.
    """
    return _Comparison(schema, names, reads).of(schema, kind, "", 0)


class _Comparison:
    def __init__(self, root: Any, names: Names, reads: bool) -> None:
        self._root, self._names, self._reads = root, names, reads
        self._seen: Set[Tuple[int, str]] = set()

    def of(self, schema: Any, kind: Any, path: str, depth: int) -> Optional[str]:
        schema, kind = self._resolved(schema), unwrapped(kind)
        key = (id(schema), repr(kind))
        if not isinstance(schema, dict) or depth > _MOST_DEPTH or key in self._seen:
            return None
        self._seen.add(key)
        options = options_of(kind)
        if len(options) != 1:
            return self._all([self.of(schema, one, path, depth + 1) for one in options])
        if isinstance(schema.get("anyOf"), list):
            return self._all([self.of(one, options[0], path, depth + 1) for one in schema["anyOf"]])
        return self._one(schema, unwrapped(options[0]), path, depth + 1)

    @staticmethod
    def _all(found: List[Optional[str]]) -> Optional[str]:
        return None if None in found or not found else found[0]

    def _one(self, schema: Dict[str, Any], kind: Any, path: str, depth: int) -> Optional[str]:
        theirs, own, base = types_of(schema), json_types(kind), typing.get_origin(kind) or kind
        if not theirs or own is None:
            return None
        is_record = _is_fixed(kind) and self._reads and "object" in theirs
        if not is_record and not any(self._meet(a, b) for a in theirs for b in own):
            return _said(" or ".join(_SHOWN.get(one, one) for one in theirs), " or ".join(_SHOWN[one] for one in sorted(own)), path)
        if "string" in own:
            return self._text(schema, kind, path)
        arguments = typing.get_args(kind)
        if is_record:
            members = [Member(f"{i}", f"Item{i + 1}", hint, True) for i, hint in enumerate(arguments[:7])]
            if len(arguments) > 7:                  # C# has seven items in each
                members.append(Member("rest", "Rest", Tuple[arguments[7:]], True))
            return self._record(schema, members, path, depth)
        if base in _LISTS or base is tuple:
            element = arguments[0] if arguments and (base in _LISTS or arguments[1:] == (Ellipsis,)) else Any
            return self.of(schema.get("items"), element, f"{path}[0]", depth)
        if base in _DICTS:
            return self._dict(schema, arguments[1] if len(arguments) == 2 else Any, path, depth)
        members_ = _members_of(kind, self._names) if isinstance(base, type) and "object" in own else None
        return None if members_ is None else self._record(schema, members_, path, depth)

    def _meet(self, theirs: str, own: str) -> bool:
        if theirs == own:
            return True
        # A whole number of a double is written as an integer; a float of Python never is.
        return {theirs, own} == {"integer", "number"} and (self._reads or own == "integer")

    def _text(self, schema: Dict[str, Any], kind: Any, path: str) -> Optional[str]:
        theirs, own = schema.get("format"), _FORMATS.get(kind)
        if own and theirs in _FORMATS.values() and theirs != own and not (self._reads and (theirs, own) == ("date", "date-time")):
            return _said(f"a text of the form {theirs}", f"one of the form {own}", path)
        known, values = schema.get("enum"), _values(kind)
        if isinstance(known, list) and values and not any(one in known for one in values):
            return _said(" or ".join(json.dumps(one) for one in known[:5]), " or ".join(map(repr, values[:5])), path)
        return None

    def _dict(self, schema: Dict[str, Any], element: Any, path: str, depth: int) -> Optional[str]:
        known = schema.get("properties")
        if isinstance(known, dict):
            must = known if self._reads else [name for name in schema.get("required") or [] if name in known]
            return self._first(self.of(known[name], element, path + step(name), depth) for name in must)
        return self.of(schema.get("additionalProperties"), element, f"{path}.*", depth)

    def _record(self, schema: Dict[str, Any], members: List[Member], path: str, depth: int) -> Optional[str]:
        known = schema.get("properties")
        if not isinstance(known, dict):
            return None
        own, required = [one.json for one in members], schema.get("required") or []
        missing = [one.json for one in members if one.is_required and one.json not in known] if self._reads \
            else [name for name in required if name not in own]
        if not missing and known and own and not set(known) & set(own):
            missing = own if self._reads else list(known)
        if missing:
            theirs, other = ("Python", "C#") if self._reads else ("C#", "Python")
            has = list(known) if self._reads else own
            hint = "" if not any(pascal_case(one) in known and one not in known for one in own) else \
                ". Worker(names=pascal_case) or field(metadata={'json': …}) maps names"
            return (f"{theirs} needs {', '.join(missing)}{_at(path)}, and {other} has {', '.join(has[:10]) or 'no members'}{hint}")
        return self._first(self.of(known[one.json], one.hint, path + step(one.json), depth) for one in members if one.json in known)

    @staticmethod
    def _first(found: typing.Iterable[Optional[str]]) -> Optional[str]:
        return next((one for one in found if one is not None), None)

    def _resolved(self, schema: Any) -> Any:
        for _ in range(_MOST_DEPTH):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                return schema
            found = self._root
            for part in schema["$ref"].lstrip("#").split("/")[1:]:
                part = part.replace("~1", "/").replace("~0", "~")
                found = found.get(part) if isinstance(found, dict) else found[int(part)] if isinstance(found, list) and part.isdigit() \
                    and int(part) < len(found) else None
            schema = found
        return None


def _members_of(kind: Any, names: Names) -> Optional[List[Member]]:
    """The members of a record; None if they are not known."""
    try:
        return members_of(kind, names)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return None                                 # its annotations cannot be read, and need not for writing


def types_of(schema: Any) -> List[str]:
    """The JSON types of a schema, without null; empty if it does not say."""
    if not isinstance(schema, dict):
        return []
    known = schema.get("type")
    if known is None and isinstance(schema.get("enum"), list):
        return ["string"] if all(isinstance(one, str) or one is None for one in schema["enum"]) else []
    return [one for one in (known if isinstance(known, list) else [known]) if isinstance(one, str) and one != "null"]


def json_types(kind: Any) -> Optional[FrozenSet[str]]:
    """The JSON types of a Python type; None if they are not known."""
    base = typing.get_origin(kind) or kind
    if base is typing.Literal or (isinstance(base, type) and issubclass(base, enum.Enum)):
        kinds = {_PLAIN.get(type(one)) for one in _values(kind)}
        return None if None in kinds or not kinds else frozenset(one for one in kinds if one is not None)
    try:
        if base in _PLAIN:
            return frozenset((_PLAIN[base],))
    except TypeError:
        return None
    if base in _LISTS or base is tuple and not hasattr(base, "_fields"):
        return frozenset(("array",))
    if base in _DICTS or (isinstance(base, type) and (is_model(base) or is_record(base))):
        return frozenset(("object",))
    return None


def _values(kind: Any) -> List[Any]:
    """The values of an Enum or a Literal."""
    if typing.get_origin(kind) is typing.Literal:
        return [plain_of(one) for one in typing.get_args(kind)]
    return [one.value for one in kind] if isinstance(kind, type) and issubclass(kind, enum.Enum) else []


def _is_fixed(kind: Any) -> bool:
    """Whether it is a tuple of a fixed length, which C# writes as an object."""
    arguments = typing.get_args(kind)
    return typing.get_origin(kind) is tuple and bool(arguments) and Ellipsis not in arguments


def _said(theirs: str, own: str, path: str) -> str:
    return f"C# has {theirs}, and Python {own}{_at(path)}"


def _at(path: str) -> str:
    return f" (at ${path})" if path else ""
