"""The plain values of JSON payloads."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from ._mistakes import MAX_DEPTH, Mistake

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _refuse_constant(name: str) -> Any:
    raise Mistake(f"{name} is no JSON: NaN and infinities are refused")


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
        raise Mistake("it is not UTF-8") from None
    except RecursionError:
        raise Mistake(f"it is deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as e:
        raise Mistake(f"it is not JSON: {e.msg} at character {e.pos}") from None
    except (ValueError, InvalidOperation) as e:
        raise Mistake(str(e)) from None
    if (type(value) in (list, dict) and len(payload) > MAX_DEPTH and payload.count(b"{") + payload.count(b"[") > MAX_DEPTH
            and _depth(value) > MAX_DEPTH):
        raise Mistake(f"it is deeper than {MAX_DEPTH} levels")
    if b"\\" in payload and _SURROGATE.search(payload):
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
        except UnicodeEncodeError:
            raise Mistake("a text has a lone surrogate, which is no character") from None
    return value
