"""Functions of stages, for the tests."""

import asyncio
import os
import time
from dataclasses import dataclass
from typing import List, Optional

from sluice import Worker, pascal_case

worker = Worker(names=pascal_case)
other = Worker()


@dataclass
class Order:
    item: str
    count: int
    tags: List[str]
    note: Optional[str] = None


@worker.stage
def double(x: int) -> int:
    return 2 * x


@worker.stage
def text(line: str) -> str:
    """What the line says: raise, die, hang; otherwise the line itself."""
    if line.startswith("raise "):
        raise ValueError(line[6:])
    if line.startswith("die "):
        os._exit(int(line[4:]))
    if line == "hang":
        time.sleep(600)
    return line


@worker.stage
def repeat(x: int):
    for _ in range(x % 4):
        yield x


@worker.stage
def bill(order: Order) -> Order:
    return Order(order.item.upper(), order.count + 1, [*order.tags, "é"], order.note)


@worker.stage
def longest(words: Optional[List[str]]) -> Optional[str]:
    return max(words, key=len, default=None) if words else None


@worker.stage
def nothing(x: int):
    return None


@worker.stage
def listed(x: int):
    return [x]


@worker.stage
def not_a_number(x: int) -> float:
    return float("nan") if x == 3 else float(x)


@worker.stage
def unknown(x: int):
    return object() if x == 3 else x


@worker.stage
async def later(x: int) -> int:
    await asyncio.sleep(0.0001 * (x % 10))
    return x + 1


@worker.stage
def process(x: int) -> int:
    return os.getpid()


@worker.stage(batch=True)
def halves(xs: List[int]) -> List[float]:
    if 13 in xs:
        raise ValueError("thirteen")
    if 14 in xs:
        os._exit(9)
    return [x / 2 for x in xs]


@worker.stage(batch=True)
def sizes(xs: List[int]) -> List[int]:
    return [len(xs)] * len(xs)


@worker.stage(batch=3)
def small_sizes(xs: List[int]) -> List[int]:
    return [len(xs)] * len(xs)


@worker.stage(batch=True)
def short(xs: List[int]) -> List[int]:
    return xs[1:]


@worker.stage
def loud(x: int) -> int:
    print("it prints")
    return x
