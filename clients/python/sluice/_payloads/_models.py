"""Prepares plain values for models of pydantic: some JSON forms of C# are others than those of pydantic."""

from __future__ import annotations

import datetime as dt
import typing
from collections import abc
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from ._members import fields_of, is_alias, is_bare, is_root, is_union, plain_of, value_of
from ._mistakes import Mistake
from ._scalars import Reader, read_bytearray, read_bytes, read_decimal
from ._shapes import json_types
from ._times import read_span

if TYPE_CHECKING:
    from ._readers import Readers

_TEXTS: Dict[Any, Reader] = {bytes: read_bytes, bytearray: read_bytearray, dt.timedelta: read_span}
_LISTS = (list, set, frozenset, tuple, abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence, abc.Set, abc.MutableSet)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_WRAPPERS = ("Required", "NotRequired", "ReadOnly")


class Part(NamedTuple):
    """A member of a model, or of a record inside of one."""

    hint: Any
    is_bare: bool
    read: Reader
    values: Optional[List[Any]]
    """The values of a Literal, by which a union chooses."""


class Models:
    """Reads the parts of a model whose form in JSON pydantic would take for another value: decimals, base64 and durations.

    Everything else is left to pydantic: what does not fit, which model of a union a value becomes, and texts that a validator or the type
    itself decodes. So its messages and its own conversions stay as they are. The work grows with the value, and not faster.
    """

    def __init__(self, readers: "Readers") -> None:
        self._readers = readers
        self._aliases: Dict[Any, Reader] = {}

    def of(self, kind: Any, bare: bool = True) -> Reader:
        """What makes a plain value of JSON one that pydantic validates as the type. Never raises.

        bare: whether pydantic is the first to look at the value.
        """
        if not is_alias(kind):
            return self._of(kind, bare)
        key = (kind, bare)
        if key not in self._aliases:                # it may have itself as a part
            self._aliases[key] = lambda value: self._aliases[key](value)
            self._aliases[key] = self._of(kind, bare)
        return self._aliases[key]

    def _of(self, kind: Any, bare: bool) -> Reader:
        options = _options(kind, bare)
        some = [one for one in options if one[0] is not type(None)]
        if len(some) > 1:
            return self._union(options)
        only = self._one(*(some or options)[0])
        return only if len(options) == 1 else lambda value: None if value is None else only(value)

    def _one(self, kind: Any, bare: bool) -> Reader:
        base, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
        if not isinstance(base, type):
            return self._readers.any
        if issubclass(base, Decimal):
            self._readers.decimals = True
            return self._or_as_it_is(read_decimal)
        text = _text_of(base)
        if text is not None:
            return self._or_as_it_is(text) if bare else self._readers.any
        parts = self._parts(base)
        if parts is not None:
            known = parts
            if is_root(base):
                return lambda value: known["root"].read(value) if "root" in known else self._readers.any(value)
            named = getattr(base, "_fields", ())        # pydantic writes a NamedTuple as a list, and reads both
            return lambda value: [known[name].read(one) for name, one in zip(named, value)] \
                if type(value) is list and len(value) == len(named) and known.keys() >= set(named) else self._object([known], value)
        if base in _LISTS and arguments:
            elements = [self.of(one, bare) for one in arguments if one is not Ellipsis]
            return self._list(elements, base is tuple and Ellipsis not in arguments)
        if base in _DICTS and len(arguments) == 2:
            element = self.of(arguments[1], bare)
            return lambda value: {name: element(one) for name, one in value.items()} if type(value) is dict else self._readers.any(value)
        return self._readers.any

    def _or_as_it_is(self, read: Reader) -> Reader:
        def prepare(value: Any) -> Any:
            try:
                return read(value)
            except Mistake:
                return self._readers.any(value)

        return prepare

    def _list(self, elements: List[Reader], is_fixed: bool) -> Reader:
        def prepare(value: Any) -> Any:
            if type(value) is not list or is_fixed and len(value) != len(elements):
                return self._readers.any(value)
            return [element(one) for element, one in zip(elements if is_fixed else elements * len(value), value)]

        return prepare

    def _union(self, options: List[Tuple[Any, bool]]) -> Reader:
        """Pydantic chooses. Prepared is only what has the same form, whatever it chooses."""
        has_decimals = any(isinstance(kind, type) and issubclass(kind, Decimal) for kind, _ in options)
        self._readers.decimals |= has_decimals
        forms = [None if is_root(kind) else json_types(kind) for kind, _ in options]
        texts, lists, objects = ([one for one, form in zip(options, forms) if form is None or name in form]
                                 for name in ("string", "array", "object"))
        readers: Dict[Any, Reader] = {}
        if None not in forms:                       # what is not known may be anything
            readers = {made: self._one(*found[0]) for made, found in ((str, texts), (list, lists), (dict, objects)) if len(found) == 1}
            parts = [self._parts(typing.get_origin(kind) or kind) for kind, _ in objects]
            records = [one for one in parts if one is not None]
            if len(objects) > 1 and len(records) == len(objects):
                readers[dict] = lambda value: self._object(records, value)

        def prepare(value: Any) -> Any:
            read = readers.get(type(value))
            if read is not None:
                return read(value)
            return value if has_decimals and isinstance(value, Decimal) else self._readers.any(value)

        return prepare

    def _parts(self, base: Any) -> Optional[Dict[str, Part]]:
        """The members of a model or a record, by their names in JSON; None for other types."""
        known = self._readers.prepared
        if base in known:
            return known[base]
        fields = fields_of(base)
        if fields is None:
            return None
        parts: Dict[str, Part] = {}
        known[base] = parts                         # a model may have itself as a part
        made = [(field, Part(field.hint, field.is_bare, self.of(field.hint, field.is_bare), _values(field.hint))) for field in fields]
        for names, part in (*((field.names[: field.aliases], part) for field, part in made),
                            *((field.names, part) for field, part in made)):
            for name in names:
                parts.setdefault(name, part)        # an alias goes before the name of another field
        return parts

    def _object(self, options: List[Dict[str, Part]], value: Any) -> Any:
        """Prepares the members that all options have alike, of those that fit by their Literals."""
        if type(value) is not dict:
            return self._readers.any(value)
        if len(options) > 1:
            options = [parts for parts in options if all(_fits(parts.get(name), one) for name, one in value.items())] or options
        if len(options) == 1:
            only = options[0]
            return {name: only[name].read(one) if name in only else self._readers.any(one) for name, one in value.items()}
        made = {}
        for name, one in value.items():
            found = [parts[name] for parts in options if name in parts]
            are_alike = all(part.hint == found[0].hint and part.is_bare is found[0].is_bare for part in found[1:])
            made[name] = found[0].read(one) if found and are_alike else self._readers.any(one)
        return made


def _options(kind: Any, bare: bool) -> List[Tuple[Any, bool]]:
    """The types of a union, also of one inside; otherwise the type itself. Each with whether its value is looked at by pydantic first."""
    while True:
        if hasattr(kind, "__metadata__"):
            bare = bare and is_bare(kind.__metadata__)
            kind = kind.__origin__
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif is_alias(kind):
            kind = value_of(kind)
        elif getattr(typing.get_origin(kind), "_name", None) in _WRAPPERS:
            kind = typing.get_args(kind)[0]
        else:
            break
    return [two for one in typing.get_args(kind) for two in _options(one, bare)] if is_union(kind) else [(kind, bare)]


def _text_of(base: type) -> Optional[Reader]:
    """The reader of bytes and durations; of their subclasses only those that pydantic 1 makes of a type with limits."""
    if base in _TEXTS:
        return _TEXTS[base]
    is_limited = any(one.__name__ == "ConstrainedBytes" and one.__module__ == "pydantic.types" for one in base.__mro__[1:2])
    return read_bytes if is_limited else None


def _values(hint: Any) -> Optional[List[Any]]:
    kind, bare = _options(hint, True)[0]
    if typing.get_origin(kind) is not typing.Literal or not bare:
        return None
    return [plain_of(one) for one in typing.get_args(kind)]


def _fits(part: Optional[Part], value: Any) -> bool:
    if part is None or part.values is None or not part.is_bare:
        return True
    return any(type(one) is type(value) and one == value for one in part.values)
