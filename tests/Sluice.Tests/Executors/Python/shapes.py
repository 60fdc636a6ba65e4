"""Functions of PythonTypeTests: some fit the types of C#, and some do not."""

import enum
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, List, Optional

from sluice import IO, IOWriter, Worker, pascal_case

worker = Worker(names=pascal_case)


class Day(enum.IntEnum):
    MONDAY = 1
    FRIDAY = 5


@dataclass
class Line:
    name: str
    price: Decimal
    order: Optional[Any] = None


@dataclass
class Pair:
    item1: int
    item2: str


@dataclass
class Order:
    id: int
    lines: List[Line]
    at: datetime
    key: Optional[uuid.UUID]
    day: Day
    pair: Pair


@worker.processor(inputs=["order"], outputs=["bill"])
async def bills(order: IO[Order], bill: IOWriter[Order]):
    async for one in order.stream():
        one.day = Day.FRIDAY
        await bill.write(one)


@worker.processor(inputs=["raw"], outputs=["doubled"])
def twice(raw: IO[bytes]) -> bytes:
    return 2 * raw.first()


@worker.processor(inputs=["order"], outputs=["y"], name="order")
async def a_list(order: IO["list[str]"], y: IOWriter[int]):
    await y.write(1)


@dataclass
class Sized:
    size: int


@worker.processor(inputs=["order"], outputs=["y"])
async def sizes(order: IO[Sized], y: IOWriter[int]):
    await y.write(1)


@dataclass
class TextLine:
    price: str


@dataclass
class Priced:
    lines: List[TextLine]


@worker.processor(inputs=["order"], outputs=["y"], name="priced")
async def reads_texts(order: IO[Priced], y: IOWriter[int]):
    await y.write(1)


@worker.stage
def length(text: str) -> int:
    return len(text)


@worker.stage(batch=True)
def lengths(texts: List[str]) -> List[int]:
    return [len(text) for text in texts]


@worker.stage
def bill(order: Order) -> Order:
    return order


@worker.stage
def reverse(raw: bytes) -> bytes:
    return raw[::-1]


def same(x):
    return x


def same_of(kind: Any) -> Any:
    def typed(x):
        return x

    typed.__annotations__ = {"x": kind, "return": kind}
    return typed


worker.stage(same)
for one in (int, float, str, datetime, date, timedelta, Decimal, uuid.UUID):
    worker.stage(name=f"same_{one.__name__}")(same_of(one))


@worker.stage
def surrogate(x: int) -> str:
    return "a\ud800"


@worker.stage
def huge(x: int) -> int:
    return 1 << 63
