"""Payloads: JSON as System.Text.Json writes and reads it, converted by annotation. There is no pickle."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import enum
import json
import math
import re
import sys
import typing
import uuid
from collections import abc
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

from ._errors import PayloadError

MAX_DEPTH = 64
"""The largest depth of objects and arrays in each other, the default of System.Text.Json."""

REFUSED = ("pickle", "cpickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle")

Names = Callable[[str], str]
Reader = Callable[[Any], Any]


def pascal_case(name: str) -> str:
    """``user_name`` as ``UserName``, the way C# names the properties of a record."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


class _Mistake(Exception):
    """A value that does not fit, with the way to it from the inside out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.path: List[str] = []

    def at(self, step: str) -> "_Mistake":
        self.path.append(step)
        return self

    def __str__(self) -> str:
        return f"{self.text} (at ${''.join(reversed(self.path))})" if self.path else self.text


def _step(key: Any) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}" if str(key).isidentifier() else f"[{str(key)[:60]!r}]"


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"an object with {len(value)} members" if isinstance(value, dict) else f"a list of {len(value)}" \
        if isinstance(value, list) else _repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return f"a {type(value).__name__}"


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))
_quote: Callable[[str], str] = json.encoder.encode_basestring
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

# Changes the bytes that a JSON text has only with a backslash before them. One pass in C, four times as fast as the encoder.
_ESCAPED = bytes(0xFF if one < 0x20 or one in b'"\\' else one for one in range(256))
_PLAIN = frozenset((str, int, float, bool, type(None)))


class _Writer:
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
                raise _Mistake(f"{value} has no JSON form: NaN and infinities are refused")
            return value
        if depth >= MAX_DEPTH:
            raise _Mistake(f"it is deeper than {MAX_DEPTH} levels")
        if isinstance(value, enum.Enum):
            return self.plain(value.value, depth)
        if isinstance(value, (bool, int, str)):
            return int(value) if isinstance(value, int) else str.__str__(value)
        if isinstance(value, float):
            return self.plain(float(value), depth)
        if isinstance(value, Decimal):
            if not value.is_finite():
                raise _Mistake(f"{value} has no JSON form: NaN and infinities are refused")
            self.has_decimals = True
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return base64.b64encode(bytes(value)).decode("ascii")
        if isinstance(value, uuid.UUID):
            return str(value)
        if isinstance(value, (dt.datetime, dt.date, dt.time)):
            return value.isoformat()
        if isinstance(value, dt.timedelta):
            return write_span(value)
        if isinstance(value, Mapping):
            return {self._key(key): self._in(key, one, depth) for key, one in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {_json_name(field, self.names): self._in(field.name, getattr(value, field.name), depth)
                    for field in dataclasses.fields(value)}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {self.names(name): self._in(name, getattr(value, name), depth) for name in value._fields}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._in(index, one, depth) for index, one in enumerate(value)]
        if callable(getattr(value, "model_dump", None)) and not isinstance(value, type):
            return self.plain(value.model_dump(mode="json", by_alias=True), depth)
        raise _Mistake(_unwritable(value))

    def _in(self, key: Any, value: Any, depth: int) -> Any:
        try:
            return self.plain(value, depth + 1)
        except _Mistake as e:
            raise e.at(_step(key))

    def _key(self, key: Any) -> str:
        if isinstance(key, enum.Enum):
            key = key.value
        if isinstance(key, str):
            return str.__str__(key)
        if isinstance(key, bool):
            return "True" if key else "False"
        if isinstance(key, (int, uuid.UUID)):
            return str(int(key)) if isinstance(key, int) else str(key)
        raise _Mistake(f"{_shown(key)} is a {type(key).__name__}, and no key of a JSON object: make it a text or an integer")


def _unwritable(value: Any) -> str:
    name = type(value).__name__
    if hasattr(value, "tolist"):
        return f"a {name} has no JSON form: put out value.tolist()"
    if isinstance(value, abc.Awaitable):
        return f"a {name} has no JSON form: await it first"
    if isinstance(value, (abc.Iterator, abc.AsyncIterator)):
        return f"a {name} has no JSON form: put out its values, one by one or as a list"
    return f"a {name} has no JSON form: put out a dataclass, a dict, a list, a text or a number (objects are never pickled)"


def _dumps_with_decimals(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f") if -20 < value.adjusted() < 30 else str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(key)}:{_dumps_with_decimals(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumps_with_decimals, value)) + "]"
    return _ENCODER.encode(value)


def write(value: Any, names: Names) -> bytes:
    """The payload of a value. Raises PayloadError."""
    try:
        kind = type(value)
        if kind is str:
            data: bytes = value.encode("utf-8")
            return b'"%b"' % data if data.translate(_ESCAPED) == data else _quote(value).encode("utf-8")
        if kind is int:
            return b"%d" % value
        if kind is list and _PLAIN.issuperset(map(type, value)):
            try:
                return _ENCODER.encode(value).encode("utf-8")
            except ValueError:
                pass                                # the writer says where
        writer = _Writer(names)
        plain = writer.plain(value)
        text = _dumps_with_decimals(plain) if writer.has_decimals else _ENCODER.encode(plain)
        return text.encode("utf-8")
    except _Mistake as e:
        raise PayloadError(str(e)) from None
    except UnicodeEncodeError as e:
        bad = e.object[e.start : e.start + 1]
        raise PayloadError(f"a text has the lone surrogate U+{ord(bad):04X}, which is no character: decode with errors='replace', or "
                           "remove it") from None
    except RecursionError:
        raise PayloadError(f"it is deeper than {MAX_DEPTH} levels") from None
    except ValueError as e:
        raise PayloadError(str(e)) from None


def _refuse_constant(name: str) -> Any:
    raise _Mistake(f"{name} is no JSON: NaN and infinities are refused")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_DECIMALS = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=Decimal)


def _depth(value: Any) -> int:
    deepest, open_ = 0, [(value, 1)]
    while open_:
        one, depth = open_.pop()
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else None
        if inner is None:
            continue
        deepest = max(deepest, depth)
        open_.extend((child, depth + 1) for child in inner)
    return deepest


def loads(payload: bytes, decimals: bool = False) -> Any:
    """The plain value of a payload. The last of two members with one name counts, as for System.Text.Json."""
    try:
        text, decoder = payload.decode("utf-8"), _DECIMALS if decimals else _DECODER
        try:
            value, end = decoder.raw_decode(text)
        except json.JSONDecodeError:
            end = -1
        if end != len(text):                        # with space around it, or no JSON
            value = decoder.decode(text)
    except UnicodeDecodeError:
        raise _Mistake("it is not UTF-8") from None
    except RecursionError:
        raise _Mistake(f"it is deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as e:
        raise _Mistake(f"it is not JSON: {e.msg} at character {e.pos}") from None
    except (ValueError, InvalidOperation) as e:
        raise _Mistake(str(e)) from None
    if (type(value) in (list, dict) and len(payload) > MAX_DEPTH and payload.count(b"{") + payload.count(b"[") > MAX_DEPTH
            and _depth(value) > MAX_DEPTH):
        raise _Mistake(f"it is deeper than {MAX_DEPTH} levels")
    if b"\\" in payload and _SURROGATE.search(payload):
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
        except UnicodeEncodeError:
            raise _Mistake("a text has a lone surrogate, which is no character") from None
    return value


def _json_name(field: "dataclasses.Field[Any]", names: Names) -> str:
    given = field.metadata.get("json")
    return given if isinstance(given, str) else names(field.name)


# --- times, as System.Text.Json writes them ---

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?", re.ASCII)
_SPAN = re.compile(r"(-)?(?:(\d{1,8})\.)?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?", re.ASCII)


def _micros(digits: Optional[str]) -> int:
    return int((digits or "0")[:6].ljust(6, "0"))


def _read_datetime(value: Any) -> dt.datetime:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _expected("a time such as \"2026-11-24T12:00:00Z\"", value)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        tz: Optional[dt.tzinfo] = None
        if zone == "Z":
            tz = dt.timezone.utc
        elif zone:
            away = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
            tz = dt.timezone(-away if zone[0] == "-" else away)
        return dt.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), _micros(fraction), tz)
    except ValueError as e:
        raise _Mistake(f"{_shown(value)} is no time: {e}") from None


def _read_date(value: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except (ValueError, TypeError):
        raise _expected("a date such as \"2026-11-24\"", value) from None


def _read_time(value: Any) -> dt.time:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        return dt.time(int(match[1]), int(match[2]), int(match[3] or 0), _micros(match[4]))
    except ValueError:
        raise _expected("a time of day such as \"12:00:00\"", value) from None


def _read_span(value: Any) -> dt.timedelta:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _expected("a duration such as \"1.12:00:00\"", value)
    sign, days, hours, minutes, seconds, fraction = match.groups()
    span = dt.timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=int(seconds), microseconds=_micros(fraction))
    return -span if sign else span


def write_span(value: dt.timedelta) -> str:
    sign, value = ("-", -value) if value < dt.timedelta(0) else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    days = f"{value.days}." if value.days else ""
    fraction = f".{value.microseconds:06}0" if value.microseconds else ""
    return f"{sign}{days}{hours:02}:{rest // 60:02}:{rest % 60:02}{fraction}"


# --- readers by annotation ---

def _expected(what: str, value: Any) -> _Mistake:
    return _Mistake(f"expected {what}, found {_shown(value)}")


def _read_int(value: Any) -> int:
    if type(value) is int:
        return value
    raise _expected("an integer", value)


def _read_float(value: Any) -> float:
    if type(value) is float or type(value) is int or isinstance(value, Decimal):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
        raise _Mistake("a number is too large for a float")
    raise _expected("a number", value)


def _read_str(value: Any) -> str:
    if type(value) is str:
        return value
    raise _expected("a text", value)


def _read_bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _expected("true or false", value)


def _read_none(value: Any) -> None:
    if value is not None:
        raise _expected("null", value)


def _read_bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise _expected("base64", value) from None


def _read_decimal(value: Any) -> Decimal:
    if type(value) is int or isinstance(value, Decimal):
        return Decimal(value)
    raise _expected("a number", value)


def _read_uuid(value: Any) -> uuid.UUID:
    if isinstance(value, str) and len(value) == 36:
        try:
            return uuid.UUID(value)
        except ValueError:
            pass
    raise _expected("a UUID", value)


def _read_bytearray(value: Any) -> bytearray:
    return bytearray(_read_bytes(value))


_SCALARS: Dict[Any, Reader] = {
    int: _read_int, float: _read_float, str: _read_str, bool: _read_bool, type(None): _read_none, None: _read_none, bytes: _read_bytes,
    bytearray: _read_bytearray, Decimal: _read_decimal, uuid.UUID: _read_uuid, dt.datetime: _read_datetime, dt.date: _read_date,
    dt.time: _read_time, dt.timedelta: _read_span,
}


class Readers:
    """Makes the readers of annotated types. A type is looked at once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: Dict[Any, Reader] = {}
        self.decimals = False
        """Whether a type asked for has a Decimal, so that numbers must not pass through a float."""

    def of(self, kind: Any) -> Reader:
        """Raises TypeError for a type that no payload can be read as."""
        try:
            if kind in self._known:
                return self._known[kind]
        except TypeError:
            return self._make(kind)
        # A type may have itself as a part.
        self._known[kind] = lambda value: self._known[kind](value)
        try:
            made = self._known[kind] = self._make(kind)
        except BaseException:
            del self._known[kind]
            raise
        return made

    def _make(self, kind: Any) -> Reader:
        if kind is Any or kind is object or isinstance(kind, typing.TypeVar):
            return self._any
        if kind is Decimal:
            self.decimals = True
        if kind in _SCALARS:
            return _SCALARS[kind]
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Union or (sys.version_info >= (3, 10) and origin is __import__("types").UnionType):
            return self._union(arguments)
        if origin is typing.Literal:
            return _literal(arguments)
        if origin is getattr(typing, "Annotated", None) or hasattr(kind, "__metadata__"):
            return self.of(arguments[0] if arguments else kind.__origin__)
        if hasattr(kind, "__supertype__"):
            return self.of(kind.__supertype__)
        base = origin or kind
        if base in (list, abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence):
            return self._many(arguments, list)
        if base in (set, abc.Set, abc.MutableSet):
            return self._many(arguments, set)
        if base is frozenset:
            return self._many(arguments, frozenset)
        if base is tuple:
            return self._tuple(arguments)
        if base in (dict, abc.Mapping, abc.MutableMapping):
            return self._dict(arguments)
        if not isinstance(base, type):
            raise TypeError(f"{kind!r} is no type that a payload can be read as")
        if issubclass(base, enum.Enum):
            return _enum(base)
        if callable(getattr(base, "model_validate", None)):
            return _pydantic(base)
        if dataclasses.is_dataclass(base):
            return self._dataclass(base)
        if typing.NamedTuple and issubclass(base, tuple) and hasattr(base, "_fields"):
            hints = typing.get_type_hints(base)
            return self._members(base, [(name, self._names(name), hints.get(name, Any), name not in base._field_defaults)
                                        for name in base._fields], lambda given: base(**given))
        if issubclass(base, dict) and hasattr(base, "__total__"):
            hints = typing.get_type_hints(base)
            required = getattr(base, "__required_keys__", frozenset(hints))
            return self._members(base, [(name, name, hint, name in required) for name, hint in hints.items()], dict)
        raise TypeError(f"{base.__name__} is no type that a payload can be read as: make it a dataclass, or annotate a dict, a list, a "
                        "text or a number")

    def _any(self, value: Any) -> Any:
        if not self.decimals:
            return value
        if isinstance(value, Decimal):
            return float(value)
        if isinstance(value, dict):
            return {key: self._any(one) for key, one in value.items()}
        return [self._any(one) for one in value] if isinstance(value, list) else value

    def _union(self, arguments: Tuple[Any, ...]) -> Reader:
        if len(arguments) == 2 and type(None) in arguments:
            only = self.of(arguments[0] if arguments[1] is type(None) else arguments[1])
            return lambda value: None if value is None else only(value)
        # An integer is a float as well, and a time is a text: the exact type has the first word.
        first = {bool: 0, int: 1, type(None): 0, float: 3, str: 4}
        readers = [self.of(one) for one in sorted(arguments, key=lambda one: first.get(one, 2))]

        def read(value: Any) -> Any:
            mistakes = []
            for reader in readers:
                try:
                    return reader(value)
                except _Mistake as e:
                    mistakes.append(str(e))
            raise _Mistake("; or ".join(mistakes))

        return read

    def _many(self, arguments: Tuple[Any, ...], make: Callable[[List[Any]], Any]) -> Reader:
        element = self.of(arguments[0]) if arguments else self._any
        exact = {arguments[0]} if make is list and arguments and arguments[0] in (str, int, bool) else None

        def read(value: Any) -> Any:
            if type(value) is not list:
                raise _expected("a list", value)
            if exact is not None and exact.issuperset(map(type, value)):
                return value
            made = []
            for index, one in enumerate(value):
                try:
                    made.append(element(one))
                except _Mistake as e:
                    raise e.at(_step(index))
            try:
                return make(made)
            except TypeError as e:
                raise _Mistake(str(e)) from None

        return read

    def _tuple(self, arguments: Tuple[Any, ...]) -> Reader:
        if not arguments or (len(arguments) == 2 and arguments[1] is Ellipsis):
            return self._many(arguments[:1], tuple)
        parts = [self.of(one) for one in ([] if arguments == ((),) else arguments)]

        def read(value: Any) -> Any:
            # C# writes its tuples as objects with Item1, Item2…
            if type(value) is dict and all(f"Item{i + 1}" in value for i in range(len(parts))):
                value = [value[f"Item{i + 1}"] for i in range(len(parts))]
            if type(value) is not list or len(value) != len(parts):
                raise _expected(f"a list of {len(parts)}", value)
            made = []
            for index, (part, one) in enumerate(zip(parts, value)):
                try:
                    made.append(part(one))
                except _Mistake as e:
                    raise e.at(_step(index))
            return tuple(made)

        return read

    def _dict(self, arguments: Tuple[Any, ...]) -> Reader:
        key, element = (self._key(arguments[0]), self.of(arguments[1])) if arguments else (_read_str, self._any)

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise _expected("an object", value)
            made = {}
            for name, one in value.items():
                try:
                    made[key(name)] = element(one)
                except _Mistake as e:
                    raise e.at(_step(name))
            return made

        return read

    def _key(self, kind: Any) -> Reader:
        if kind is int or (isinstance(kind, type) and issubclass(kind, enum.IntEnum)):
            inner = self.of(kind)

            def read(value: str) -> Any:
                try:
                    return inner(int(value))
                except ValueError:
                    raise _expected("an integer as name", value) from None

            return read
        return self.of(kind)

    def _dataclass(self, kind: Any) -> Reader:
        hints = typing.get_type_hints(kind)
        members = [(field.name, _json_name(field, self._names), hints[field.name],
                    field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)
                   for field in dataclasses.fields(kind) if field.init]
        return self._members(kind, members, lambda given: kind(**given))

    def _members(self, kind: Any, members: List[Tuple[str, str, Any, bool]], make: Callable[[Dict[str, Any]], Any]) -> Reader:
        read_by = [(name, shown, self.of(hint), required) for name, shown, hint, required in members]

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise _expected(f"an object ({kind.__name__})", value)
            given, missing = {}, []
            for name, shown, reader, required in read_by:
                if shown in value:
                    try:
                        given[name] = reader(value[shown])
                    except _Mistake as e:
                        raise e.at(_step(shown))
                elif required:
                    missing.append(shown)
            if missing:
                near = [one for one in value if one.lower().replace("_", "") in {name.lower().replace("_", "") for name in missing}]
                hint = f" It has {', '.join(near)}: Worker(names=pascal_case) or field(metadata={{'json': …}}) maps names" if near else ""
                raise _Mistake(f"members of {kind.__name__} are missing: {', '.join(missing)}.{hint}")
            try:
                return make(given)
            except _Mistake:
                raise
            except Exception as e:
                raise _Mistake(f"no {kind.__name__} can be made of it: {type(e).__name__}: {e}") from None

        return read


def _literal(arguments: Tuple[Any, ...]) -> Reader:
    def read(value: Any) -> Any:
        for one in arguments:
            if type(one) is type(value) and one == value:
                return one
        raise _expected(" or ".join(map(repr, arguments)), value)

    return read


def _enum(kind: Any) -> Reader:
    known: Dict[Any, Any] = {(type(one.value), one.value): one for one in kind}

    def read(value: Any) -> Any:
        try:
            found = known.get((type(value), value))
            if found is None and issubclass(kind, enum.Flag) and type(value) is int:
                return kind(value)
        except (TypeError, ValueError):
            found = None
        if found is None:
            raise _expected(f"a {kind.__name__} ({', '.join(str(one.value) for one in list(kind)[:10])})", value)
        return found

    return read


def _pydantic(kind: Any) -> Reader:
    def read(value: Any) -> Any:
        try:
            return kind.model_validate(value)
        except Exception as e:
            raise _Mistake(f"no {kind.__name__}: {e}") from None

    return read


class Codec:
    """Writes and reads the payloads of a worker."""

    def __init__(self, payloads: Any = "json", names: Optional[Names] = None) -> None:
        self._names: Names = names or (lambda name: name)
        called = payloads if isinstance(payloads, str) else getattr(payloads, "__name__", type(payloads).__name__)
        module = getattr(payloads, "__module__", "") or ""
        if any(part.lower() in REFUSED for part in (*str(called).split("."), *str(module).split("."))):
            raise ValueError(f"{called} is refused: reading it runs code of whoever wrote the payload. Payloads are JSON.")
        if payloads != "json" and not (callable(getattr(payloads, "dumps", None)) and callable(getattr(payloads, "loads", None))):
            raise ValueError('Payloads are "json", or something with dumps (a plain value to bytes) and loads (bytes to a plain value).')
        self._other = None if payloads == "json" else payloads

    def write(self, value: Any) -> bytes:
        """Raises PayloadError."""
        if self._other is None:
            return write(value, self._names)
        try:
            made = self._other.dumps(_Writer(self._names).plain(value))
            return made.encode("utf-8") if isinstance(made, str) else bytes(made)
        except Exception as e:
            raise PayloadError(f"{type(e).__name__}: {e}") from None

    def reader(self, kind: Any) -> Callable[[bytes], Any]:
        """The reader of payloads of a type. Raises TypeError for a type that none can be read as."""
        readers = Readers(self._names)
        convert = readers.of(kind)
        plain = self._other.loads if self._other is not None else None

        def read(payload: bytes) -> Any:
            try:
                return convert(plain(payload) if plain is not None else loads(payload, readers.decimals))
            except _Mistake as e:
                raise PayloadError(str(e)) from None
            except RecursionError:
                raise PayloadError(f"it is deeper than {MAX_DEPTH} levels") from None
            except PayloadError:
                raise
            except Exception as e:
                raise PayloadError(f"{type(e).__name__}: {e}") from None

        def read_str(payload: bytes) -> Any:
            text = payload[1:-1]
            if len(payload) > 1 and payload[:1] == b'"' == payload[-1:] and text.translate(_ESCAPED) == text:
                try:
                    return text.decode("utf-8")
                except UnicodeDecodeError:
                    pass                            # the other reader says so
            return read(payload)

        return read_str if kind is str and plain is None else read


# --- what the service says of a stream: the name of a type in C# ---

_RANGES: Dict[str, Tuple[int, int]] = {
    "sbyte": (-(1 << 7), (1 << 7) - 1), "byte": (0, (1 << 8) - 1), "short": (-(1 << 15), (1 << 15) - 1), "ushort": (0, (1 << 16) - 1),
    "int": (-(1 << 31), (1 << 31) - 1), "uint": (0, (1 << 32) - 1), "long": (-(1 << 63), (1 << 63) - 1), "ulong": (0, (1 << 64) - 1),
}
_TEXTS = {"string", "char", "Guid", "DateTime", "DateTimeOffset", "DateOnly", "TimeOnly", "TimeSpan", "Uri", "byte[]"}
_FORMS: Dict[str, str] = {**{name: "number" for name in (*_RANGES, "float", "double", "decimal")}, **{name: "text" for name in _TEXTS},
                          "bool": "bool"}
_PYTHON_FORMS: Dict[Any, str] = {int: "number", float: "number", Decimal: "number", str: "text", bytes: "text", bytearray: "text",
                                 uuid.UUID: "text", dt.datetime: "text", dt.date: "text", dt.time: "text", dt.timedelta: "text",
                                 bool: "bool"}


def disagree(theirs: Optional[str], kind: Any) -> bool:
    """Whether no value of a C# type, by its name, can be read or written as a Python type. Only plain types are compared."""
    if theirs is None:
        return False
    try:
        form, own = _FORMS.get(theirs), _PYTHON_FORMS.get(kind)
    except TypeError:
        return False
    return form is not None and own is not None and form != own


def unfit(theirs: Optional[str], value: Any) -> Optional[str]:
    """Why a plain value does not fit the stream's C# type, by its name; None if it does, or nothing is known."""
    form = _FORMS.get(theirs) if theirs is not None else None
    if form is None or theirs is None:
        return None
    kind = type(value)
    own = _PYTHON_FORMS.get(kind)
    if value is None:
        return f"the stream's type is {theirs}, which has no null" if form != "text" else None
    if own is not None and own != form:
        return f"the stream's type is {theirs}"
    bounds = _RANGES.get(theirs)
    if bounds is None or own is None:
        return None
    if kind is not int:
        return f"the stream's type is {theirs}: put out int(value)"
    return None if bounds[0] <= value <= bounds[1] else f"the stream's type is {theirs}, from {bounds[0]:,} to {bounds[1]:,}"
