"""Types of pydantic that encode bytes by themselves, such as Base64Bytes: what a model gives out for them are the bytes of a text."""

from __future__ import annotations

import base64
import dataclasses
import typing
import weakref
from typing import Any, Iterator, List, NamedTuple, Optional, Set, Tuple

from ._members import is_alias, is_record, value_of
from ._names import is_model

_STANDARD = bytes.maketrans(b"-_", b"+/")


class _Field(NamedTuple):
    name: str
    json: str
    hint: Any
    is_encoded: bool


_fields: "weakref.WeakKeyDictionary[type, List[_Field]]" = weakref.WeakKeyDictionary()
_have: "weakref.WeakKeyDictionary[type, bool]" = weakref.WeakKeyDictionary()


def has_encoded(kind: type) -> bool:
    """Whether a model has such a type, or a model or record inside of it, by the annotations. A model is looked at once."""
    known = _have.get(kind)
    if known is None:
        open_, seen, known = [kind], set(), False
        while open_ and not known:
            model = open_.pop()
            seen.add(model)
            fields = _fields_of(model)
            known = any(field.is_encoded for field in fields)
            inside: Set[Any] = {one for field in fields for one in _inside(field.hint) if isinstance(one, type)}
            inside = {one for one in inside if is_model(one) or is_record(one)}
            open_.extend(inside - seen)
        _have[kind] = known
    return known


def as_texts(value: Any, dumped: Any, is_encoded: bool = False) -> Any:
    """What a value has given out, with texts for encoded bytes. Bytes that no type has encoded are the same in both.

    Base64 is known by what it decodes to: annotations do not tell all places where it stands. Other encodings are known by annotations.
    """
    if isinstance(value, bytes) and isinstance(dumped, bytes):
        are_text = value != dumped and dumped.isascii() and (is_encoded or _decoded(dumped) == value)
        return dumped.decode("ascii") if are_text else dumped
    if isinstance(value, (set, frozenset)) and isinstance(dumped, (set, frozenset)):
        texts = {one.decode("ascii") for one in dumped if isinstance(one, bytes) and one.isascii() and _decoded(one) in value}
        return texts if value != dumped and len(texts) == len(value) else dumped
    if isinstance(value, (list, tuple)) and isinstance(dumped, (list, tuple)) and len(value) == len(dumped):
        if not hasattr(value, "_fields"):
            return [as_texts(one, other, is_encoded) for one, other in zip(value, dumped)]
        encoded = {field.name: field.is_encoded for field in _fields_of(type(value))}
        return [as_texts(one, other, encoded.get(name, False)) for name, one, other in zip(getattr(value, "_fields"), value, dumped)]
    if isinstance(value, dict) and isinstance(dumped, dict):
        parts = value if dumped.keys() <= value.keys() or len(value) != len(dumped) else dict(zip(dumped, value.values()))
        return {key: as_texts(parts.get(key), other, is_encoded) for key, other in dumped.items()}
    if not is_model(type(value)) and not dataclasses.is_dataclass(value):
        return dumped
    if getattr(value, "__pydantic_root_model__", False) is True:
        return as_texts(value.root, dumped, any(field.is_encoded for field in _fields_of(type(value))))
    if not isinstance(dumped, dict):
        return dumped
    fields = {field.json: field for field in _fields_of(type(value))}
    if dataclasses.is_dataclass(value) and not dumped.keys() <= fields.keys():
        names = [field.name for field in dataclasses.fields(value)]
        if len(names) == len(dumped):               # an alias of a plain dataclass is known to pydantic only, which keeps the order
            known = {field.name: field for field in fields.values()}
            fields = {key: known.get(name) or _Field(name, key, Any, False) for key, name in zip(dumped, names)}
    return {key: as_texts(getattr(value, fields[key].name, None), other, fields[key].is_encoded) if key in fields else other
            for key, other in dumped.items()}


def _decoded(text: bytes) -> Optional[bytes]:
    """What a text in base64 decodes to, in either alphabet; None for other texts."""
    try:
        return base64.b64decode(text.translate(_STANDARD, b"\n"), validate=True)
    except ValueError:
        return None


def _fields_of(kind: Any) -> List[_Field]:
    known = _fields.get(kind)
    if known is None:
        known = list(_model_fields(kind) if is_model(kind) or hasattr(kind, "__pydantic_fields__") else _record_fields(kind))
        _fields[kind] = known                       # when it is whole: threads write, too
    return known


def _model_fields(kind: Any) -> Iterator[_Field]:
    found = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "model_fields", None)
    for name, field in found.items() if isinstance(found, dict) else ():
        made = _field(name, getattr(field, "annotation", Any), getattr(field, "metadata", ()))
        yield made._replace(json=getattr(field, "serialization_alias", None) or name)


def _record_fields(kind: Any) -> Iterator[_Field]:
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:                               # names that only type checkers know
        hints = {}
    return (_field(name, hint, ()) for name, hint in hints.items())


def _field(name: str, hint: Any, metadata: Any) -> _Field:
    added = [one for one in (*metadata, *_inside(hint)) if not isinstance(one, type)]
    return _Field(name, name, hint, any(hasattr(one, "encoder") for one in added))


def _inside(hint: Any, names: Tuple[Any, ...] = ()) -> Iterator[Any]:
    """All types, and all that annotations add, of a type."""
    yield hint
    if is_alias(hint) and hint not in names:        # it may have itself as a part
        yield from _inside(value_of(hint), (*names, hint))
    if typing.get_origin(hint) is not None:
        yield typing.get_origin(hint)
    for one in typing.get_args(hint):
        yield from _inside(one, names)
