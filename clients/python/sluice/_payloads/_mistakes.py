"""A value that does not fit its type or has no JSON form, and where in the value."""

from __future__ import annotations

import reprlib
from typing import Any, List

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 120
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxset = _BRIEF.maxfrozenset = _BRIEF.maxdict = 20

MAX_DEPTH = 64
"""The largest depth of objects and arrays in each other, the default of System.Text.Json."""


class Mistake(Exception):
    """A value that does not fit, with the way to it from the inside out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.path: List[str] = []

    def at(self, step: str) -> "Mistake":
        self.path.append(step)
        return self

    def __str__(self) -> str:
        return f"{self.text} (at ${''.join(reversed(self.path))})" if self.path else self.text


def step(key: Any) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}" if str(key).isidentifier() else f"[{str(key)[:60]!r}]"


def shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"an object with {len(value)} members" if isinstance(value, dict) else f"a list of {len(value)}" \
        if isinstance(value, list) else _repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def brief(value: Any) -> str:
    """The beginning of what a value is, made of its beginning."""
    try:
        return _BRIEF.repr(value)
    except Exception:                               # an integer of many digits, for example
        return f"a {type(value).__name__}"


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return f"a {type(value).__name__}"


def expected(what: str, value: Any) -> Mistake:
    return Mistake(f"expected {what}, found {shown(value)}")
