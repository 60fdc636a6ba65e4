"""Types of values, for the tests of payloads."""

import dataclasses
import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Dict, Generic, List, NamedTuple, NewType, Optional, TypedDict, TypeVar

from sluice._payloads import Codec


CODEC = Codec()


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Share(enum.Enum):
    HALF = 0.5
    ALL = 1.0


class Weight(enum.Enum):
    LIGHT = Decimal("0.50")
    HEAVY = Decimal(20)


@dataclasses.dataclass
class Place:
    city: str
    lines: List[str] = dataclasses.field(default_factory=list)
    up: "Optional[Place]" = None


@dataclasses.dataclass(frozen=True)
class Order:
    id: uuid.UUID
    price: Decimal
    at: dt.datetime
    place: Optional[Place] = None
    color: Color = Color.RED
    data: bytes = b""
    tags: Dict[str, Level] = dataclasses.field(default_factory=dict)
    given: str = dataclasses.field(default="", metadata={"json": "@given"})


class Point(NamedTuple):
    x: int
    y: int = 0


class Row(TypedDict):
    name: str
    size: int


T = TypeVar("T")


@dataclasses.dataclass
class Page(Generic[T]):
    items: List[T]
    next: "Optional[Page[T]]" = None


@dataclasses.dataclass
class Places(Page[Place]):
    pass


@dataclasses.dataclass
class Nested(Page[List[T]], Generic[T]):
    own: Optional[T] = None


UserId = NewType("UserId", int)
ORDER = Order(uuid.UUID(int=7), Decimal("12.50"), dt.datetime(2026, 11, 24, 12, 0, 0, 123456, dt.timezone.utc), Place("Zürich 🚲", ["a"]),
              Color.BLUE, b"\x00\xff", {"x": Level.HIGH}, "me")
