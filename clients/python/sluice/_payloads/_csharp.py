"""What the service says of a stream: the name of a type in C#."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from decimal import Decimal
from typing import Any, Dict, Optional, Tuple

from ._members import options_of, unwrapped

BYTES = "bytes"
"""The type of a stream or result that only the function's annotation says."""

_RANGES: Dict[str, Tuple[int, int]] = {
    "sbyte": (-(1 << 7), (1 << 7) - 1), "byte": (0, (1 << 8) - 1), "short": (-(1 << 15), (1 << 15) - 1), "ushort": (0, (1 << 16) - 1),
    "int": (-(1 << 31), (1 << 31) - 1), "uint": (0, (1 << 32) - 1), "long": (-(1 << 63), (1 << 63) - 1), "ulong": (0, (1 << 64) - 1),
}
# From here on the nearest number that C# has is infinity, and System.Text.Json reads that without a word.
_FLOATS: Dict[str, Optional[float]] = {"float": float.fromhex("0x1.ffffffp127"), "double": None}
_TEXTS = {"string", "char", "Guid", "DateTime", "DateTimeOffset", "DateOnly", "TimeOnly", "TimeSpan", "Uri", "Version", "Memory<byte>",
          "ReadOnlyMemory<byte>"}
_FORMS: Dict[str, str] = {**{name: "number" for name in (*_RANGES, "float", "double", "decimal")}, **{name: "text" for name in _TEXTS},
                          "bool": "bool", "byte[]": "bytes", BYTES: "bytes"}
_PYTHON_FORMS: Dict[Any, str] = {int: "number", float: "number", Decimal: "number", str: "text", bytes: "bytes", bytearray: "bytes",
                                 uuid.UUID: "text", dt.datetime: "text", dt.date: "text", dt.time: "text", dt.timedelta: "text",
                                 bool: "bool"}


def disagree(theirs: Optional[str], kind: Any) -> bool:
    """Whether no value of a C# type, by its name, can be read or written as a Python type. Only plain types are compared."""
    if theirs is None:
        return False
    options = options_of(unwrapped(kind))
    try:
        form, own = _FORMS.get(theirs.rstrip("?")), _PYTHON_FORMS.get(unwrapped(options[0]) if len(options) == 1 else None)
    except TypeError:
        return False
    return form is not None and own is not None and form != own


def _is_finite(value: Any, bound: Optional[float]) -> bool:
    try:
        number = float(value)
    except (OverflowError, ValueError):              # ValueError: a signaling NaN
        return False
    return not math.isinf(number) and (bound is None or abs(number) < bound)


def unfit(theirs: Optional[str], value: Any, what: str = "stream") -> Optional[str]:
    """Why a plain value does not fit the C# type of a stream or result, by its name; None if it does, or nothing is known."""
    plain = theirs.rstrip("?") if theirs is not None else None
    form = _FORMS.get(plain) if plain is not None else None
    if form is None or theirs is None or plain is None or (value is None and theirs.endswith("?")):
        return None
    kind = type(value)
    own = _PYTHON_FORMS.get(kind)
    if value is None:
        return f"the {what}'s type is {theirs}, which has no null" if form != "text" else None
    if form == "bytes":                             # everything else would be written as JSON, and read as if it were the bytes
        return None if isinstance(value, (bytes, bytearray, memoryview)) else f"the {what}'s type is {theirs}"
    if own is not None and own != form:
        return f"the {what}'s type is {theirs}"
    if plain == "DateTimeOffset" and kind is dt.datetime and value.utcoffset() is None:
        return f"the {what}'s type is {theirs}: give it a zone, such as datetime.now(timezone.utc)"
    if plain in _FLOATS and isinstance(value, (int, float, Decimal)):
        return None if _is_finite(value, _FLOATS[plain]) else f"the {what}'s type is {theirs}, and C# would read an infinity"
    bounds = _RANGES.get(plain)
    if bounds is None or own is None:
        return None
    if kind is not int and not (kind is Decimal and value.as_tuple().exponent == 0):
        return f"the {what}'s type is {theirs}: put out int(value)"
    return None if bounds[0] <= value <= bounds[1] else f"the {what}'s type is {theirs}, from {bounds[0]:,} to {bounds[1]:,}"
