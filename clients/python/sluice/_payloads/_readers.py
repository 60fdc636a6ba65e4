"""Readers of values by annotation."""

from __future__ import annotations

import enum
import typing
from collections import abc
from decimal import Decimal
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._members import Member, is_union, members_of, names_of, unwrapped
from ._mistakes import Mistake, expected, step
from ._models import Models, Part
from ._names import Names, is_model
from ._scalars import NAMES, SCALARS, Reader, read_bool_name, read_enum, read_enum_name, read_literal, read_model, read_str


def items_of(value: Dict[str, Any], count: int) -> Optional[List[Any]]:
    """The items of a tuple of C#, an object with Item1 to Item7 and Rest, which has the next seven; None if it is none of this length."""
    items: List[Any] = []
    for index in range(count):
        if index and index % 7 == 0:
            value = value.get("Rest")  # type: ignore[assignment]
        name = f"Item{index % 7 + 1}"
        if type(value) is not dict or name not in value:
            return None
        items.append(value[name])
    return items


class Readers:
    """Makes the readers of annotated types. A type is looked at once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: Dict[Any, Reader] = {}
        self.prepared: Dict[Any, Dict[str, Part]] = {}
        """The members of models of pydantic, and of what is inside of them (Models)."""
        self.decimals = False
        """Whether a type asked for has a Decimal, so that numbers must not pass through a float."""

    def of(self, kind: Any) -> Reader:
        """Raises TypeError for a type that no payload can be read as."""
        kind = unwrapped(kind)                      # what Annotated adds need not be hashable
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
            return self.any
        if kind is Decimal:
            self.decimals = True
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is None and kind in SCALARS:      # a type with arguments need not be hashable
            return SCALARS[kind]
        if is_union(kind):
            return self._union(arguments)
        if origin is typing.Literal:
            return read_literal(arguments)
        base = origin or kind
        if base in (list, abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence):
            return self._many(arguments, list)
        if base in (set, abc.Set, abc.MutableSet):
            return self._many(arguments, set)
        if base is frozenset:
            return self._many(arguments, frozenset)
        if base is tuple:
            return self._tuple((Any, Ellipsis) if kind is tuple or kind is typing.Tuple else arguments)
        if base in (dict, abc.Mapping, abc.MutableMapping):
            return self._dict(arguments)
        if not isinstance(base, type):
            raise TypeError(f"{kind!r} is no type that a payload can be read as")
        if issubclass(base, enum.Enum):
            return read_enum(base)
        if is_model(base):
            return read_model(base, Models(self).of(base))
        members = members_of(kind if origin is not None else base, self._names)
        if members is not None:
            return self._members(base, members)
        raise TypeError(f"{base.__name__} is no type that a payload can be read as: make it a dataclass, or annotate a dict, a list, a "
                        "text or a number")

    def any(self, value: Any) -> Any:
        """A plain value as it is, but for numbers that were read as Decimals for the sake of others."""
        if not self.decimals:
            return value
        if isinstance(value, Decimal):
            return float(value)
        if isinstance(value, dict):
            return {key: self.any(one) for key, one in value.items()}
        return [self.any(one) for one in value] if isinstance(value, list) else value

    def _union(self, arguments: Tuple[Any, ...]) -> Reader:
        if len(arguments) == 2 and type(None) in arguments:
            only = self.of(arguments[0] if arguments[1] is type(None) else arguments[1])
            return lambda value: None if value is None else only(value)
        # An integer is a float as well, and a time is a text: the exact type has the first word.
        first = {bool: 0, int: 1, type(None): 0, float: 3, str: 4}
        kinds = sorted(map(unwrapped, arguments), key=lambda one: first.get(one, 2) if typing.get_origin(one) is None else 2)
        readers = [self.of(one) for one in kinds]
        known = [names_of(one, self._names) for one in kinds]
        records = [(at, names) for at, names in enumerate(known) if names is not None]

        def by_unknown(value: Dict[str, Any]) -> List[Reader]:
            """The records change places among themselves only: a dict behind them knows every name, and stays behind them."""
            sorted_, best = list(readers), sorted(records, key=lambda one: len(value.keys() - one[1]))
            for (place, _), (at, _) in zip(records, best):
                sorted_[place] = readers[at]
            return sorted_

        def read(value: Any) -> Any:
            mistakes = []
            # Of several records that fit, the one that knows the most members: the others would drop them.
            fit = by_unknown(value) if len(records) > 1 and type(value) is dict else readers
            for reader in fit:
                try:
                    return reader(value)
                except Mistake as e:
                    mistakes.append(str(e))
            raise Mistake("; or ".join(mistakes))

        return read

    def _many(self, arguments: Tuple[Any, ...], make: Callable[[List[Any]], Any]) -> Reader:
        element = self.of(arguments[0]) if arguments else self.any
        exact = {arguments[0]} if make is list and arguments and arguments[0] in (str, int, bool) else None

        def read(value: Any) -> Any:
            if type(value) is not list:
                raise expected("a list", value)
            if exact is not None and exact.issuperset(map(type, value)):
                return value
            made = []
            for index, one in enumerate(value):
                try:
                    made.append(element(one))
                except Mistake as e:
                    raise e.at(step(index))
            try:
                return make(made)
            except TypeError as e:
                raise Mistake(str(e)) from None

        return read

    def _tuple(self, arguments: Tuple[Any, ...]) -> Reader:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return self._many(arguments[:1], tuple)
        parts = [self.of(one) for one in ([] if arguments == ((),) else arguments)]

        def read(value: Any) -> Any:
            if type(value) is dict:
                items = items_of(value, len(parts))
                value = value if items is None else items
            if type(value) is not list or len(value) != len(parts):
                raise expected(f"a list of {len(parts)}", value)
            made = []
            for index, (part, one) in enumerate(zip(parts, value)):
                try:
                    made.append(part(one))
                except Mistake as e:
                    raise e.at(step(index))
            return tuple(made)

        return read

    def _dict(self, arguments: Tuple[Any, ...]) -> Reader:
        key, element = (self._key(arguments[0]), self.of(arguments[1])) if arguments else (read_str, self.any)

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise expected("an object", value)
            made = {}
            for name, one in value.items():
                try:
                    made[key(name)] = element(one)
                except Mistake as e:
                    raise e.at(step(name))
            return made

        return read

    def _key(self, kind: Any) -> Reader:
        kind = unwrapped(kind)
        if isinstance(kind, type) and issubclass(kind, enum.IntEnum):
            return read_enum_name(kind, self.of(kind))
        if kind is bool:
            return read_bool_name
        inner = self.of(kind)
        if kind not in NAMES:
            return inner
        parse = NAMES[kind]

        def read(value: str) -> Any:
            try:
                return inner(parse(value))
            except (ValueError, ArithmeticError):
                raise expected("an integer as name" if kind is int else "a number as name", value) from None

        return read

    def _members(self, kind: Any, members: List[Member]) -> Reader:
        by_name = {one.json: one.name for one in members}
        twice = next((one for one in members if by_name[one.json] != one.name), None)
        if twice is not None:
            raise TypeError(f"{kind.__name__} has two members with the name {twice.json} in JSON, {twice.name} and {by_name[twice.json]}: "
                            "rename one of them")
        read_by = [(one.name, one.json, self.of(one.hint), one.is_required) for one in members]

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise expected(f"an object ({kind.__name__})", value)
            given, missing = {}, []
            for name, shown, reader, required in read_by:
                if shown in value:
                    try:
                        given[name] = reader(value[shown])
                    except Mistake as e:
                        raise e.at(step(shown))
                elif required:
                    missing.append(shown)
            if missing:
                near = [one for one in value if one.lower().replace("_", "") in {name.lower().replace("_", "") for name in missing}]
                hint = f" It has {', '.join(near)}: Worker(names=pascal_case) or field(metadata={{'json': …}}) maps names" if near else ""
                raise Mistake(f"members of {kind.__name__} are missing: {', '.join(missing)}.{hint}")
            try:
                return kind(**given)
            except Mistake:
                raise
            except Exception as e:
                raise Mistake(f"no {kind.__name__} can be made of it: {type(e).__name__}: {e}") from None

        return read
