"""What the annotations of a function say."""

from __future__ import annotations

import functools
import inspect
import typing
from collections import abc
from typing import Any, Callable, Dict

from ._payloads import options_of
from ._streams import IOVal

_MANY = (abc.Iterator, abc.Iterable, abc.Generator, abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator)
_LISTS = (list, tuple, abc.Sequence, abc.Iterable, abc.Collection)


def code_of(function: Any) -> Any:
    """The function that a functools.partial or an object with __call__ executes; otherwise the function itself."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or isinstance(function, type) or not hasattr(type(function), "__call__"):
        return function
    return type(function).__call__


def _annotated(function: Any) -> Any:
    """What has the annotations: of an object with __call__, what functools.update_wrapper has given to it goes before its class."""
    while isinstance(function, functools.partial):
        function = function.func
    own = getattr(function, "__dict__", {})
    if "__annotations__" in own:
        return function
    return inspect.unwrap(function) if "__wrapped__" in own else code_of(function)


def is_async(function: Any) -> bool:
    """Whether it is an async function, or an object that is marked as one, or whose __call__ is one. Not of generators."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(code_of(function))


def hints_of(kind: str, name: str, function: Callable[..., Any]) -> Dict[str, Any]:
    """The annotations. Raises TypeError for those that cannot be read; ``kind`` is processor or stage."""
    try:
        return typing.get_type_hints(_annotated(function), include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as e:
        raise TypeError(f"The function of the {kind} {name}: its annotations cannot be read: {e}. Types that annotations name stand at "
                        "the top of the module, and X | Y needs Python 3.10.") from None


def shown_type(kind: Any) -> str:
    """A type for people."""
    if typing.get_origin(kind) is None and hasattr(kind, "__name__"):
        return str(kind.__name__)
    return str(kind).replace("typing.", "")


def element_of(kind: Any, is_many: bool) -> Any:
    """The type of the elements: of a generator's annotation (``is_many``), or of a list's; Any if it does not say."""
    arguments = typing.get_args(kind)
    return arguments[0] if typing.get_origin(kind) in (_MANY if is_many else _LISTS) and arguments else Any


def returns_puts(returned: Any) -> bool:
    """Whether a function returns a list of IOVal by its annotation."""
    elements = [element for one in options_of(returned) if typing.get_origin(one) in _LISTS for element in typing.get_args(one)]
    return any((typing.get_origin(one) or one) is IOVal for one in elements)


def output_of(returned: Any, is_generator: bool) -> Any:
    """The type of the values that a function puts out to its only output; Any if its annotation does not say."""
    kind = element_of(returned, True) if is_generator else returned
    if typing.get_origin(kind) is IOVal:
        return typing.get_args(kind)[0]
    return Any if is_generator or "IOVal" in str(kind) else kind
