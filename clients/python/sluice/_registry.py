"""The functions of a module: processors and stages."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Sequence, TypeVar, Union, overload

from ._errors import explain
from ._function import Function
from ._payloads import Codec, Names
from ._stage import Stage

F = TypeVar("F", bound=Callable[..., Any])


class Worker:
    """The functions that ``python3 -m sluice.worker module`` executes for a service.

    names: makes the JSON name of a field of a dataclass; ``pascal_case`` for records of C#. Default: the name as it is.
    payloads: "json", or an object with ``dumps`` and ``loads`` of plain values, the same as the service's serializer.
    """

    def __init__(self, *, names: Optional[Names] = None, payloads: Any = "json") -> None:
        self._codec = Codec(payloads, names)
        self._processors: Dict[str, Function] = {}
        self._stages: Dict[str, Stage] = {}

    @property
    def processors(self) -> Sequence[str]:
        """The names of the processors."""
        return list(self._processors)

    @property
    def stages(self) -> Sequence[str]:
        """The names of the stages."""
        return list(self._stages)

    def processor(self, *given: Any, inputs: Sequence[str] = (), outputs: Sequence[str] = (),
                  name: Optional[str] = None) -> Callable[[F], F]:
        """Registers the function of a processor: an async generator, an async function, a generator or a plain function.

        name: the name of the processor; default that of the function. Raises TypeError or ValueError for parameters that cannot be bound.
        """
        def register(function: F) -> F:
            called = name or _name_of(function)
            if called in self._processors:
                raise ValueError(f"The processor {called} is registered twice. Give one of the functions another name=.")
            self._processors[called] = Function(called, function, inputs, outputs, self._codec)
            return function

        if given:
            raise TypeError("Write @worker.processor(inputs=[…], outputs=[…]) with its parentheses.")
        return register

    @overload
    def stage(self, function: F) -> F: ...

    @overload
    def stage(self, *, name: Optional[str] = None, batch: Union[bool, int] = False) -> Callable[[F], F]: ...

    def stage(self, function: Any = None, *, name: Optional[str] = None, batch: Union[bool, int] = False) -> Any:
        """Registers the function of a stage: of one item, or with ``batch`` of a list of items, which returns a list as long.

        A generator has any number of results for an item. batch: True for all items that have come, or their largest number. A batch
        that fails is given again, each item alone.
        """
        def register(given: F) -> F:
            called = name or _name_of(given)
            if called in self._stages:
                raise ValueError(f"The stage {called} is registered twice. Give one of the functions another name=.")
            self._stages[called] = Stage(called, given, batch, self._codec)
            return given

        return register(function) if function is not None else register

    def _find(self, processor: str) -> Optional[Function]:
        return self._processors.get(processor)

    def _lacks(self, processor: str) -> str:
        if processor in self._stages:
            return (f"The Python worker has no processor {processor}, but a stage of that name: Python.Map and Python.Batch name it in C#. "
                    "A test calls its function.")
        return (f"The Python worker has no function for it. {explain('processor', processor, list(self._processors))} Register it with "
                "@worker.processor(inputs=[…], outputs=[…]).")


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", None)
    if not isinstance(name, str):
        raise TypeError(f"A {type(function).__name__} has no name of its own: register it with name=.")
    return name
