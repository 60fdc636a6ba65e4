"""Writes payloads: JSON as System.Text.Json reads it. There is no pickle."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import importlib
import json
import math
import uuid
from collections import abc
from decimal import Decimal
from typing import Any, Callable, Dict, Iterable, Mapping, NoReturn

from .._errors import PayloadError
from ._lossy import loses_forms, restored
from ._mistakes import MAX_DEPTH, Mistake, shown, step
from ._names import Names, is_model, json_name
from ._times import write_span

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))
_quote: Callable[[str], str] = getattr(json.encoder, "encode_basestring")

# Changes the bytes that a JSON text has only with a backslash before them. One pass in C, four times as fast as the encoder.
ESCAPED = bytes(0xFF if one < 0x20 or one in b'"\\' else one for one in range(256))
_PLAIN = frozenset((str, int, float, bool, type(None)))


class Writer:
    """Makes plain JSON values of Python values. One for each value."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.has_decimals = False

    def plain(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        if value is None or kind is bool or kind is int or kind is str:
            return value
        if kind is float:
            if not math.isfinite(value):
                raise Mistake(f"{value} has no JSON form: NaN and infinities are refused")
            return value
        if isinstance(value, enum.Enum):
            return self.plain(value.value, depth)
        if isinstance(value, (bool, int, str)):
            return int(value) if isinstance(value, int) else str.__str__(value)
        if isinstance(value, float):
            return self.plain(float(value), depth)
        if isinstance(value, Decimal):
            if not value.is_finite():
                raise Mistake(f"{value} has no JSON form: NaN and infinities are refused")
            self.has_decimals = True
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return base64.b64encode(bytes(value)).decode("ascii")
        if isinstance(value, uuid.UUID):
            return str(value)
        if isinstance(value, dt.datetime):
            offset = value.utcoffset()
            if offset is not None and offset % dt.timedelta(minutes=1):
                raise Mistake(f"{value} has an offset with seconds, which no other program reads: use astimezone(timezone.utc)")
            text = value.isoformat()
            return f"{text[:-6]}Z" if text.endswith("+00:00") else text      # a DateTime of C# stays one of UTC
        if isinstance(value, dt.time) and value.utcoffset() is not None:
            raise Mistake(f"{value} has a zone, which a time of day of C# does not have")
        if isinstance(value, (dt.date, dt.time)):
            return value.isoformat()
        if isinstance(value, dt.timedelta):
            return write_span(value)
        if depth >= MAX_DEPTH and _has_parts(value):
            raise Mistake(f"it is deeper than {MAX_DEPTH} levels")
        if isinstance(value, Mapping):
            made = {self._key(key): self._in(key, one, depth) for key, one in value.items()}
            return made if len(made) == len(value) else self._refuse(value, self._key)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            made = {json_name(field, self.names): self._in(field.name, getattr(value, field.name), depth) for field in fields}
            return made if len(made) == len(fields) else self._refuse(fields, lambda field: json_name(field, self.names))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            made = {self.names(name): self._in(name, getattr(value, name), depth) for name in value._fields}
            return made if len(made) == len(value._fields) else self._refuse(value._fields, self.names)
        if isinstance(value, (set, frozenset)):     # its order is another one in each process
            return sorted((self._in(index, one, depth) for index, one in enumerate(value)), key=dumps)
        if isinstance(value, (list, tuple)):
            return [self._in(index, one, depth) for index, one in enumerate(value)]
        if is_model(type(value)):
            return self._model(value, depth)
        raise Mistake(_unwritable(value))

    def _refuse(self, keys: Iterable[Any], name: Callable[[Any], str]) -> NoReturn:
        """Names two keys that are one in JSON."""
        before: Dict[str, Any] = {}
        for key in keys:
            other = before.setdefault(name(key), key)
            if other is not key:
                names = [shown(getattr(one, "name", one)) for one in (other, key)]
                raise Mistake(f"its members {names[0]} and {names[1]} have the same name in JSON, {name(key)}: rename one of them")
        raise Mistake("it has changed while it was written")

    def _model(self, value: Any, depth: int) -> Any:
        dump = getattr(value, "model_dump", None) or value.dict
        is_lossy = loses_forms(type(value))
        dumped = dump(by_alias=True)                # a Decimal stays a number, and a timedelta what C# reads
        if is_lossy:
            dumped = restored(value, dumped)
        try:
            return self.plain(dumped, depth)
        except Mistake as e:
            if not hasattr(value, "model_dump"):
                raise
            # Pydantic knows a form for more types, and changes all others: it is asked for the members only that have none here.
            try:
                other = self._by_pydantic(value, dumped, is_lossy)
            except Exception:
                raise e from None
        return self._mixed(dumped, other, depth)

    @staticmethod
    def _by_pydantic(value: Any, dumped: Any, is_lossy: bool) -> Any:
        try:
            made = value.model_dump(mode="json", by_alias=True)
            return restored(value, made) if is_lossy else made
        except Exception:                           # bytes of another member that are no text
            return importlib.import_module("pydantic_core").to_jsonable_python(dumped, bytes_mode="base64")

    def _mixed(self, value: Any, other: Any, depth: int) -> Any:
        """A value, with the parts that have no JSON form from another form of it."""
        try:
            return self.plain(value, depth)
        except Mistake:
            if hasattr(value, "get_secret_value") or isinstance(value, (float, Decimal)) or depth >= MAX_DEPTH and _has_parts(value):
                raise
        if isinstance(value, Mapping) and isinstance(other, dict) and len(value) == len(other):
            return {name: self._mixed_in(key, one, part, depth) for (key, one), (name, part) in zip(value.items(), other.items())}
        if isinstance(value, (list, tuple)) and isinstance(other, list) and len(value) == len(other):
            return [self._mixed_in(index, one, part, depth) for index, (one, part) in enumerate(zip(value, other))]
        return self.plain(other, depth)

    def _mixed_in(self, key: Any, value: Any, other: Any, depth: int) -> Any:
        try:
            return self._mixed(value, other, depth + 1)
        except Mistake as e:
            raise e.at(step(key))

    def _in(self, key: Any, value: Any, depth: int) -> Any:
        try:
            return self.plain(value, depth + 1)
        except Mistake as e:
            raise e.at(step(key))

    def _key(self, key: Any) -> str:
        if isinstance(key, enum.Enum):
            key = key.value
        if isinstance(key, str):
            return str.__str__(key)
        if isinstance(key, bool):
            return "True" if key else "False"
        if isinstance(key, int):
            return str(int(key))
        if isinstance(key, (float, Decimal, uuid.UUID, dt.date, dt.time, dt.timedelta)):
            plain = Writer(self.names).plain(key)   # of its own: a Decimal that is a key is a text
            return plain if type(plain) is str else dumps(plain)
        raise Mistake(f"{shown(key)} is a {type(key).__name__}, and no key of a JSON object: make it a text, a number or a time")


def _has_parts(value: Any) -> bool:
    """Whether it becomes an object or a list in JSON."""
    return isinstance(value, (Mapping, list, tuple, set, frozenset)) or is_model(type(value)) \
        or dataclasses.is_dataclass(value) and not isinstance(value, type)


def _unwritable(value: Any) -> str:
    name = type(value).__name__
    if hasattr(value, "get_secret_value"):
        return f"a {name} is kept secret: put out value.get_secret_value() where it may be read"
    if hasattr(value, "tolist"):
        return f"a {name} has no JSON form: put out value.tolist()"
    if isinstance(value, abc.Awaitable):
        return f"a {name} has no JSON form: await it first"
    if isinstance(value, (abc.Iterator, abc.AsyncIterator)):
        return f"a {name} has no JSON form: put out its values, one by one or as a list"
    return f"a {name} has no JSON form: put out a dataclass, a dict, a list, a text or a number (objects are never pickled)"


def dumps(value: Any) -> str:
    """The text of a plain value, which may have Decimals."""
    if isinstance(value, Decimal):
        return format(value, "f") if -20 < value.adjusted() < 30 else str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(key)}:{dumps(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return _ENCODER.encode(value)


def write(value: Any, names: Names) -> bytes:
    """The payload of a value. Raises PayloadError."""
    try:
        kind = type(value)
        if kind is str:
            data: bytes = value.encode("utf-8")
            return b'"%b"' % data if data.translate(ESCAPED) == data else _quote(value).encode("utf-8")
        if kind is int:
            return b"%d" % value
        if kind is list and _PLAIN.issuperset(map(type, value)):
            try:
                return _ENCODER.encode(value).encode("utf-8")
            except ValueError:
                pass                                # the writer says where
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)                     # as C# has them: only inside of other values they are base64
        writer = Writer(names)
        plain = writer.plain(value)
        text = dumps(plain) if writer.has_decimals else _ENCODER.encode(plain)
        return text.encode("utf-8")
    except Mistake as e:
        raise PayloadError(str(e)) from None
    except UnicodeEncodeError as e:
        bad = e.object[e.start : e.start + 1]
        raise PayloadError(f"a text has the lone surrogate U+{ord(bad):04X}, which is no character: decode with errors='replace', or "
                           "remove it") from None
    except RecursionError:
        raise PayloadError(f"it is deeper than {MAX_DEPTH} levels") from None
    except ValueError as e:
        raise PayloadError(str(e)) from None
