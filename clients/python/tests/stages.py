"""Stages that the tests serve."""

import asyncio
import dataclasses
import os
import sys
import time
from typing import List

from sluice import Worker

worker = Worker()


@worker.stage
def double(x: int) -> int:
    if x == 13:
        raise ValueError("thirteen")
    if x == 14:
        os._exit(9)
    return 2 * x


@worker.stage(name="words")
def split(text: str):
    yield from text.split()


@worker.stage
def endless(x: int):
    while True:
        yield x


@worker.stage
async def endless_async(x: int):
    while True:
        yield x


@worker.stage(batch=True)
def halves(xs: List[int]) -> List[float]:
    if 13 in xs:
        raise ValueError("thirteen")
    return [x / 2 for x in xs]


@worker.stage(batch=3)
def sizes(xs: List[int]) -> List[int]:
    return [len(xs)] * len(xs)


@worker.stage(batch=True)
def wrong(xs: List[int]):
    return xs[1:]


@worker.stage
async def later(x: int) -> int:
    await asyncio.sleep(0.001 * (10 - x % 10))
    if x == 13:
        raise ValueError("thirteen")
    return x + 1


@worker.stage(batch=True)
async def later_batch(xs: List[int]) -> List[int]:
    await asyncio.sleep(0)
    if 13 in xs:
        raise ValueError("thirteen")
    return [x + 1 for x in xs]


@worker.stage
async def counts(x: int):
    for i in range(x):
        yield i


ENDS = {1: SystemExit(3), 2: KeyboardInterrupt(), 3: GeneratorExit(), 4: asyncio.CancelledError(), 5: RecursionError(), 6: MemoryError()}


@worker.stage
def ends(x: int):
    if x in ENDS:
        raise ENDS[x]
    print("printed by a stage")
    return x


@worker.stage
async def ends_later(x: int):
    return ends(x)


@worker.stage(batch=True)
def ends_lists(xs: List[int]):
    return [ends(x) for x in xs]


@worker.stage
def bad_result(x: int):
    return {"a": float("nan")}


@worker.stage
def large(x: int) -> str:
    return "a" * x


@worker.stage
def double_slowly(x: int) -> int:
    if x == 14:
        os._exit(9)
    time.sleep(0.01)
    return 2 * x


@worker.stage(batch=1)
def doubles_slowly(xs: List[int]) -> List[int]:
    time.sleep(0.01)
    return [2 * x for x in xs]


@worker.stage
def deep(x: int) -> int:
    def fall(depth, *_):
        if depth == 0:
            raise ValueError("at the bottom")
        return climb(depth - 1)

    def climb(depth):
        return fall(depth, "so that Python does not say that a line was repeated")

    return fall(x)


@dataclasses.dataclass
class Price:
    amount: int
    bad: bool = False


@worker.stage(batch=True)
def doubles_in_place(prices: List[Price]) -> List[Price]:
    for price in prices:
        price.amount *= 2
        if price.bad:
            raise ValueError("bad")
    return prices


@worker.stage(batch=True)
async def doubles_in_place_later(prices: List[Price]) -> List[Price]:
    return doubles_in_place(prices)


@worker.stage(batch=True)
async def hangs_lists(xs: List[int]) -> List[int]:
    print("called with", xs, file=sys.stderr, flush=True)
    await asyncio.Event().wait()
    return xs


@worker.stage
async def exits_in_a_task(x: int) -> int:
    async def inner():
        sys.exit(4)

    if x == 13:
        await asyncio.gather(inner())
    await asyncio.sleep(0.01)
    return x


@worker.stage
def waits_for(path: str) -> str:
    if path:
        with open(path) as pipe:                    # until the test opens it
            pipe.read()
    return path
