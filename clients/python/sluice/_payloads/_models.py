"""Prepares plain values for models of pydantic: some JSON forms of C# are others than those of pydantic."""

from __future__ import annotations

import datetime as dt
import typing
from collections import abc
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Dict, List

from ._members import is_union, model_fields, options_of, unwrapped
from ._mistakes import Mistake
from ._names import is_model
from ._scalars import Reader, read_bytearray, read_bytes, read_decimal
from ._times import read_span

if TYPE_CHECKING:
    from ._readers import Readers

_READ: Dict[Any, Reader] = {Decimal: read_decimal, bytes: read_bytes, bytearray: read_bytearray, dt.timedelta: read_span}
_LISTS = (list, set, frozenset, tuple, abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence, abc.Set, abc.MutableSet)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)


class Models:
    """Reads the parts of a model whose form in JSON pydantic would take for another value: decimals, base64 and durations.

    Everything else is left to pydantic, also what does not fit: so its messages and its own conversions stay as they are.
    """

    def __init__(self, readers: "Readers") -> None:
        self._readers = readers

    def of(self, kind: Any) -> Reader:
        """What makes a plain value of JSON one that pydantic validates as the type. Never raises."""
        kind = unwrapped(kind)
        base, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
        if is_union(kind):
            return self._union(kind)
        if not isinstance(base, type):
            return self._readers.any
        for scalar, read in _READ.items():
            if issubclass(base, scalar):
                self._readers.decimals |= scalar is Decimal
                return self._or_as_it_is(read)
        if is_model(base):
            return self._model(base)
        if base in _LISTS and arguments:
            elements = [self.of(one) for one in arguments if one is not Ellipsis]
            return self._list(elements, base is tuple and Ellipsis not in arguments)
        if base in _DICTS and len(arguments) == 2:
            element = self.of(arguments[1])
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

    def _union(self, kind: Any) -> Reader:
        options = options_of(kind)
        if len(options) == 1:
            only = self.of(options[0])
            return lambda value: None if value is None else only(value)
        has_decimals = Decimal in options
        self._readers.decimals |= has_decimals
        models = [one for one in options if isinstance(one, type) and is_model(one)]
        read = self._readers.of(typing.Union[tuple(models)]) if models else None

        def prepare(value: Any) -> Any:
            if type(value) is dict and read is not None:
                try:
                    return read(value)
                except Mistake:
                    pass                            # pydantic says why
            return value if has_decimals and isinstance(value, Decimal) else self._readers.any(value)

        return prepare

    def _model(self, kind: Any) -> Reader:
        known = self._readers.prepared
        if kind in known:
            return lambda value: known[kind](value)          # a model may have itself as a part
        known[kind] = self._readers.any
        fields = model_fields(kind)
        made = [(field.names, self._readers.any if field.is_encoded else self.of(field.hint)) for field in fields]
        by_name = {name: read for names, read in reversed(made) for name in reversed(names)}

        def prepare(value: Any) -> Any:
            if getattr(kind, "__pydantic_root_model__", False) and made:
                return made[0][1](value)
            if type(value) is not dict:
                return self._readers.any(value)
            return {name: by_name.get(name, self._readers.any)(one) for name, one in value.items()}

        known[kind] = prepare
        return prepare
