"""Parts of models of pydantic whose dump is no form that the same model reads: it is given back here.

A type that encodes bytes by itself, such as Base64Bytes, gives out the bytes of a text; and a NamedTuple becomes a list without names.
"""

from __future__ import annotations

import dataclasses
import typing
import weakref
from typing import Any, Iterator, List, NamedTuple, Set, Tuple

from ._members import is_alias, is_record, value_of
from ._names import is_model


class _Field(NamedTuple):
    name: str
    json: str
    hint: Any
    is_encoded: bool
    is_own: bool
    """Whether the user's code writes its value."""


_fields: "weakref.WeakKeyDictionary[type, List[_Field]]" = weakref.WeakKeyDictionary()
_lose: "weakref.WeakKeyDictionary[type, bool]" = weakref.WeakKeyDictionary()
_SERIALIZERS = ("PlainSerializer", "WrapSerializer")


def loses_forms(kind: type) -> bool:
    """Whether a model has such a part, also in a model or a record inside of it, by the annotations. A model is looked at once."""
    known = _lose.get(kind)
    if known is None:
        open_, seen, known = [kind], set(), False
        while open_ and not known:
            one = open_.pop()
            seen.add(one)
            fields = _fields_of(one)
            inside: Set[Any] = {part for field in fields for part in _inside(field.hint) if isinstance(part, type)}
            known = any(field.is_encoded for field in fields) or any(map(_is_named_tuple, inside))
            open_.extend(part for part in inside - seen if is_model(part) or is_record(part))
        _lose[kind] = known
    return known


def restored(value: Any, dumped: Any, is_encoded: bool = False) -> Any:
    """What a value has given out, with texts for encoded bytes, and objects for NamedTuples. Bytes that no type has encoded are the same
    in both."""
    if isinstance(value, bytes) and isinstance(dumped, bytes):
        return dumped.decode("ascii") if is_encoded and value != dumped and dumped.isascii() else dumped
    if isinstance(value, (list, tuple)) and isinstance(dumped, (list, tuple)) and len(value) == len(dumped):
        parts = [restored(one, other, is_encoded) for one, other in zip(value, dumped)]
        return dict(zip(getattr(value, "_fields"), parts)) if _is_named_tuple(type(value)) else parts
    if getattr(value, "__pydantic_root_model__", False) is True:
        return restored(value.root, dumped, any(field.is_encoded for field in _fields_of(type(value))))
    if isinstance(value, dict) and isinstance(dumped, dict):
        return {key: restored(value.get(key), other, is_encoded) for key, other in dumped.items()}
    if not isinstance(dumped, dict) or not is_model(type(value)) and not dataclasses.is_dataclass(value):
        return dumped
    fields = {field.json: field for field in _fields_of(type(value))}
    return {key: _restored_field(value, fields[key], other) if key in fields else other for key, other in dumped.items()}


def _restored_field(value: Any, field: _Field, dumped: Any) -> Any:
    if field.is_own and not field.is_encoded:
        return dumped
    return restored(getattr(value, field.name, None), dumped, field.is_encoded)


def _fields_of(kind: Any) -> List[_Field]:
    known = _fields.get(kind)
    if known is None:
        known = list(_model_fields(kind) if is_model(kind) or hasattr(kind, "__pydantic_fields__") else _record_fields(kind))
        _fields[kind] = known                       # when it is whole: threads write, too
    return known


def _model_fields(kind: Any) -> Iterator[_Field]:
    found = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "model_fields", None)
    decorators = getattr(kind, "__pydantic_decorators__", None)
    own = {name for one in (getattr(decorators, "field_serializers", None) or {}).values() for name in one.info.fields}
    is_whole = bool(getattr(decorators, "model_serializers", None))
    for name, field in found.items() if isinstance(found, dict) else ():
        hint, metadata = getattr(field, "annotation", Any), getattr(field, "metadata", ())
        made = _field(name, hint, metadata, is_whole or bool(own & {name, "*"}))
        yield made._replace(json=getattr(field, "serialization_alias", None) or name)


def _record_fields(kind: Any) -> Iterator[_Field]:
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:                               # names that only type checkers know
        hints = {}
    return (_field(name, hint, (), False) for name, hint in hints.items())


def _field(name: str, hint: Any, metadata: Any, is_own: bool) -> _Field:
    added = [one for one in (*metadata, *_inside(hint)) if not isinstance(one, type)]
    return _Field(name, name, hint, any(hasattr(one, "encoder") for one in added),
                  is_own or any(type(one).__name__ in _SERIALIZERS for one in added))


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _inside(hint: Any, names: Tuple[Any, ...] = ()) -> Iterator[Any]:
    """All types, and all that annotations add, of a type."""
    yield hint
    if is_alias(hint) and hint not in names:        # it may have itself as a part
        yield from _inside(value_of(hint), (*names, hint))
    if typing.get_origin(hint) is not None:
        yield typing.get_origin(hint)
    for one in typing.get_args(hint):
        yield from _inside(one, names)
