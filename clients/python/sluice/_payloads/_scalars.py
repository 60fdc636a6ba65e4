"""Readers of values without members: plain JSON values as the annotated type."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import enum
import math
import uuid
from decimal import Decimal
from typing import Any, Callable, Dict, Tuple

from ._members import plain_of
from ._mistakes import Mistake, expected
from ._times import read_date, read_datetime, read_span, read_time

Reader = Callable[[Any], Any]


def read_int(value: Any) -> int:
    if type(value) is int:
        return value
    raise expected("an integer", value)


def read_float(value: Any) -> float:
    if type(value) is float or type(value) is int or isinstance(value, Decimal):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
        raise Mistake("a number is too large for a float")
    raise expected("a number", value)


def read_str(value: Any) -> str:
    if type(value) is str:
        return value
    raise expected("a text", value)


def read_bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise expected("true or false", value)


def read_none(value: Any) -> None:
    if value is not None:
        raise expected("null", value)


def read_bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise expected("base64", value) from None


def read_bool_name(value: Any) -> bool:
    """A key of a JSON object, as C# and this package write it."""
    if value in ("True", "False"):
        return bool(value == "True")
    raise expected("True or False as name", value)


def read_enum_name(kind: Any, read_number: Reader) -> Reader:
    """A key of a JSON object: C# writes the name of a member, or the number of a value without one; this package the number."""
    known: Dict[str, Any] = {}
    for name, one in kind.__members__.items():
        known.setdefault(_plain_name(name), one)

    def read(value: str) -> Any:
        found = kind.__members__.get(value, known.get(_plain_name(value)))
        if found is not None:
            return found
        try:
            return read_number(int(value))
        except ValueError:
            raise expected(f"the name or number of a {kind.__name__}", value) from None

    return read


def _plain_name(name: str) -> str:
    return name.lower().replace("_", "")            # Red and RED, DarkRed and DARK_RED


def read_decimal(value: Any) -> Decimal:
    if type(value) is int or isinstance(value, Decimal):
        return Decimal(value)
    raise expected("a number", value)


def read_uuid(value: Any) -> uuid.UUID:
    if isinstance(value, str) and len(value) == 36:
        try:
            return uuid.UUID(value)
        except ValueError:
            pass
    raise expected("a UUID", value)


def read_bytearray(value: Any) -> bytearray:
    return bytearray(read_bytes(value))


SCALARS: Dict[Any, Reader] = {
    int: read_int, float: read_float, str: read_str, bool: read_bool, type(None): read_none, None: read_none, bytes: read_bytes,
    bytearray: read_bytearray, Decimal: read_decimal, uuid.UUID: read_uuid, dt.datetime: read_datetime, dt.date: read_date,
    dt.time: read_time, dt.timedelta: read_span,
}


NAMES: Dict[Any, Callable[[str], Any]] = {int: int, float: float, Decimal: Decimal}
"""How the numbers among the keys of a JSON object, which are texts, are read."""


def _key(plain: Any) -> Any:
    """By what a value is found among others: a number with a point is a float or a Decimal, by what else is read."""
    return (float, float(plain)) if isinstance(plain, (float, Decimal)) else (type(plain), plain)


def read_literal(arguments: Tuple[Any, ...]) -> Reader:
    known: Dict[Any, Any] = {}
    for one in arguments:
        known.setdefault(_key(plain_of(one)), one)

    def read(value: Any) -> Any:
        try:
            key = _key(value)
            if key in known:
                return known[key]
        except TypeError:                           # a list or an object
            pass
        raise expected(" or ".join(repr(plain_of(one)) for one in arguments), value)

    return read


def read_enum(kind: Any) -> Reader:
    known: Dict[Any, Any] = {}
    for one in kind:
        known.setdefault(_key(one.value), one)

    def read(value: Any) -> Any:
        try:
            found = known.get(_key(value))
            if found is None and type(value) is int:
                if issubclass(kind, enum.Flag):
                    return kind(value)
                found = known.get((float, float(value)))
        except (TypeError, ValueError, OverflowError):
            found = None
        if found is None:
            raise expected(f"a {kind.__name__} ({', '.join(str(one.value) for one in list(kind)[:10])})", value)
        return found

    return read


def read_model(kind: Any, prepare: Reader) -> Reader:
    validate = getattr(kind, "model_validate", None) or kind.parse_obj

    def read(value: Any) -> Any:
        try:
            return validate(prepare(value))
        except Exception as e:
            raise Mistake(f"no {kind.__name__}: {e}") from None

    return read
