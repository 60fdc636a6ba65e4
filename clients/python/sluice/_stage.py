"""Stages of pipelines: functions of one item, or of a list of items, and the worker that serves one to a pipeline."""

from __future__ import annotations

import asyncio
import inspect
import sys
import typing
from typing import Any, AsyncIterable, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from . import _wire as wire
from ._annotations import code_of, element_of, hints_of, is_async, shown_type
from ._errors import PayloadError, ResultCountError
from ._failures import failure_of
from ._items import Item, done, failed
from ._payloads import BYTES, Codec, unfit

_TRACE = 3_000


class Stage:
    """The function of a stage, bound. Raises TypeError or ValueError for one that cannot be."""

    def __init__(self, name: str, function: Callable[..., Any], batch: Union[bool, int], codec: Codec) -> None:
        self.name, self.function, self.codec = name, function, codec
        code = code_of(function)
        self.is_many = inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code)
        self.is_async = is_async(function) or inspect.isasyncgenfunction(code)
        self.is_batch = batch is not False
        self.is_ending = False                      # the pipeline has gone, and cancels what is left
        self.most = sys.maxsize if batch is True else int(batch)
        if self.is_batch and self.most < 1:
            raise ValueError(f"The stage {name}: batch is True, or the largest number of items in a list, at least 1.")
        if self.is_batch and self.is_many:
            raise TypeError(f"The stage {name}: a function of batches returns a list, with a result for each item; it has a yield.")
        parameters = [one for one in inspect.signature(function).parameters.values()
                      if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        if len(parameters) != 1:
            what = "a list of items" if self.is_batch else "an item"
            raise TypeError(f"The stage {name}: its function takes {what}, and has {len(parameters)} parameters without a default.")
        hints = hints_of("stage", name, function)
        kind, self.result = hints.get(parameters[0].name, Any), hints.get("return", Any)
        if self.is_many or self.is_batch:
            self.result = element_of(self.result, self.is_many)
        if self.is_batch and kind is not Any:
            arguments = typing.get_args(kind)
            if not arguments:
                raise TypeError(f"The stage {name}: annotate the parameter {parameters[0].name} with List[…] of the items' type.")
            kind = arguments[0]
        self.item = kind
        self._type = BYTES if codec.bytes_of(self.result) is not None else None
        try:
            self._read = codec.reader(kind)
        except (TypeError, NameError) as e:
            raise TypeError(f"The stage {name}: its parameter {parameters[0].name}: {e}.") from None

    def fit(self, most: Optional[int], types: Dict[str, Any]) -> Optional[str]:
        """Takes the form that the pipeline wants: 0 for an item, or the largest number of items in a list; None if it does not say.

        types: the C# types of items and results, as far as they are known. Returns why it does not fit.
        """
        for which, kind, reads in (("Input", self.item, True), ("Output", self.result, False)):
            theirs = types.get(which) or {}
            why = self.codec.conflict(theirs.get("Type"), theirs.get("Schema"), kind, reads)
            if why is not None:
                return (f"the stage {self.name} {'reads' if reads else 'returns'} {shown_type(kind)}, and the {which.lower()} of the "
                        f"pipeline's stage is {theirs.get('Type')}{why and ': '}{why}. Change one of them.")
        self._type = (types.get("Output") or {}).get("Type") or self._type
        if most is None:
            return None
        if most == 0:
            return None if not self.is_batch else (f"the stage {self.name} gets a list of items. Use Python.Batch in the pipeline, or "
                                                   "register it without batch=.")
        if not self.is_batch:
            return (f"the stage {self.name} gets one item. Use Python.Map in the pipeline, or register it with "
                    "@worker.stage(batch=True).")
        self.most = min(self.most, most)
        return None

    def read(self, payload: bytes) -> Any:
        try:
            return self._read(payload)
        except PayloadError as e:
            raise PayloadError(f"The item ({len(payload):,} bytes) cannot be read: {e}.") from None

    def answer(self, number: int, results: Iterable[Any], most: int) -> bytes:
        """The frame with the results of an item."""
        payloads: List[bytes] = []
        size = 0
        for one in results:
            size = self._add(payloads, one, size, most)
        return done(number, payloads)

    async def _answer_async(self, number: int, results: AsyncIterable[Any], most: int) -> bytes:
        payloads: List[bytes] = []
        size = 0
        async for one in results:
            size = self._add(payloads, one, size, most)
        return done(number, payloads)

    def _add(self, payloads: List[bytes], result: Any, size: int, most: int) -> int:
        """Adds a result, and returns the size of all."""
        try:
            why = unfit(self._type, result, "result")
            if why is not None:
                raise PayloadError(why)
            payload = self.codec.write(result)
        except PayloadError as e:
            raise PayloadError(f"The result {len(payloads)} (from 0), of the type {type(result).__name__}, cannot be written: "
                               f"{e}.") from None
        size += 4 + len(payload)
        if size > most:                             # at once: a generator may have no end
            raise PayloadError(f"The first {len(payloads) + 1:,} results of the item have {size:,} bytes, and {most:,} are allowed "
                               "(ProcessOptions.MaxItemBytes). Make the items smaller, or raise the limit.")
        payloads.append(payload)
        return size

    def failed(self, number: int, e: BaseException) -> bytes:
        failure = failure_of(e)
        # The end of a traceback says where; a dead letter keeps some 4,000 letters.
        trace = wire.tail(failure.details, _TRACE)
        message = f"{failure.message}\n{trace}" if trace else failure.message
        return failed(number, self.name, failure.type, message)

    def _one_for_each(self, results: Any, count: int) -> List[Any]:
        found = list(results) if isinstance(results, Iterable) and not isinstance(results, (str, bytes, dict)) else None
        if found is None or len(found) != count:
            what = f"a {type(results).__name__}" if found is None else f"{len(found):,} result{'' if len(found) == 1 else 's'}"
            raise ResultCountError(f"the function of the stage {self.name} has returned {what} for {count:,} "
                                   f"item{'' if count == 1 else 's'}: return a list with one result for each")
        return found

    # --- plain functions ---

    def work(self, items: List[Item], most: int) -> Iterator[bytes]:
        """The answers for items, of a plain function."""
        if not self.is_batch:
            return self._each(items, most)
        lists = (items[at : at + self.most] for at in range(0, len(items), min(self.most, len(items) or 1)))
        return (answer for one in lists for answer in self._batch(one, most))

    def _each(self, items: List[Item], most: int) -> Iterator[bytes]:
        function, read, answer = self.function, self.read, self.answer
        for number, payload in items:
            try:
                result = function(read(payload))
                frame = answer(number, result if self.is_many else (result,), most)
            except BaseException as e:
                frame = self.failed(number, e)
            yield frame                             # behind the try: it would take the end of this generator for a failure

    def _batch(self, items: List[Item], most: int) -> Iterator[bytes]:
        readable, values, answers = self._read_all(items)
        yield from answers
        if not values:
            return
        results: Optional[List[Any]] = None
        of_list: Optional[ResultCountError] = None
        frame = b""
        try:
            results = self._one_for_each(self.function(values), len(readable))
        except BaseException as e:
            of_list, frame = _count_of(e), self.failed(readable[0][0], e)
        if results is not None:
            for (number, _), result in zip(readable, results):
                yield self._answer_or_failure(number, (result,), most)
            return
        if len(readable) == 1:
            yield frame
            return
        # The item at fault is found by giving each alone. Each is read again: the call that failed may have changed its value. This is
        # behind the try: the failures of single items have nothing to do with the one of the list.
        for number, payload in readable:
            try:
                frame = self.answer(number, self._one_for_each(self.function([self.read(payload)]), 1), most)
            except BaseException as alone:
                frame = self.failed(number, _cause(of_list, alone))
            yield frame

    def _read_all(self, items: List[Item]) -> Tuple[List[Item], List[Any], List[bytes]]:
        """The items that can be read, their values, and the answers for the others."""
        readable, values, answers = [], [], []
        for item in items:
            try:
                values.append(self.read(item[1]))
                readable.append(item)
            except PayloadError as e:
                answers.append(self.failed(item[0], e))
        return readable, values, answers

    # --- async functions ---

    async def work_async(self, items: List[Item], most: int) -> bytes:
        """The answers for one item, or for a batch."""
        readable, values, answers = self._read_all(items)
        if not readable:
            return b"".join(answers)
        of_list: Optional[ResultCountError] = None
        is_one_call = not self.is_batch or len(readable) == 1
        if not is_one_call:
            try:
                results = self._one_for_each(await self.function(values), len(readable))
                return b"".join(answers + [self._answer_or_failure(number, (one,), most) for (number, _), one in zip(readable, results)])
            except BaseException as e:
                of_list = _count_of(e)
                self._check_end()                   # otherwise each alone, read again: the call may have changed its value
        for at, (number, payload) in enumerate(readable):
            try:
                value = values[at] if is_one_call else self.read(payload)
                if self.is_batch:
                    answers.append(self.answer(number, self._one_for_each(await self.function([value]), 1), most))
                elif self.is_many:
                    produced: AsyncIterable[Any] = self.function(value)
                    answers.append(await self._answer_async(number, produced, most))
                else:
                    answers.append(self.answer(number, (await self.function(value),), most))
            except BaseException as e:
                self._check_end()
                answers.append(self.failed(number, _cause(of_list, e)))
        return b"".join(answers)

    def _check_end(self) -> None:
        """Ends the work if the pipeline has gone: nobody waits for an answer, and no item is given again."""
        if self.is_ending:
            raise asyncio.CancelledError

    def _answer_or_failure(self, number: int, results: Iterable[Any], most: int) -> bytes:
        try:
            return self.answer(number, results, most)
        except BaseException as e:
            return self.failed(number, e)


def _count_of(e: BaseException) -> Optional[ResultCountError]:
    """The failure of a list that its items may get. Another one is not kept: its frames hold the items until the cyclic collector runs."""
    return ResultCountError(*e.args) if isinstance(e, ResultCountError) else None


def _cause(of_list: Optional[ResultCountError], alone: BaseException) -> BaseException:
    """Which failure an item gets that has failed in a list and alone."""
    return of_list if of_list is not None and isinstance(alone, ResultCountError) else alone
