"""Other formats than JSON, and models of pydantic."""

import datetime as dt
import json
from decimal import Decimal
from typing import List

import pytest

from records import CODEC, Place
from sluice import PayloadError, Worker
from sluice._payloads import Codec


def test_another_format():
    class Reversed:
        @staticmethod
        def dumps(value):
            return json.dumps(value).encode()[::-1]

        @staticmethod
        def loads(data):
            return json.loads(data[::-1])

    codec = Codec(Reversed())
    assert codec.reader(Place)(codec.write(Place("ab"))) == Place("ab")
    with pytest.raises(PayloadError, match="JSONDecodeError"):
        codec.reader(Place)(b"{")
    with pytest.raises(ValueError, match="dumps"):
        Worker(payloads="yaml")


def test_a_pydantic_model():
    pydantic = pytest.importorskip("pydantic")             # 1 or 2

    class Part(pydantic.BaseModel):
        at: dt.datetime
        price: Decimal

    class User(pydantic.BaseModel):
        name: str = pydantic.Field(alias="Name")
        age: int = 0
        parts: List[Part] = []

    user = User(Name="a", age=5, parts=[Part(at=dt.datetime(2026, 1, 2, 3, 4, 5), price=Decimal("0.10"))])
    written = CODEC.write(user)
    assert written == b'{"Name":"a","age":5,"parts":[{"at":"2026-01-02T03:04:05","price":0.10}]}'
    assert CODEC.reader(User)(written) == user and CODEC.reader(List[User])(CODEC.write([user])) == [user]
    with pytest.raises(PayloadError, match="no User"):
        CODEC.reader(User)(b'{"age":5}')


class Like2:
    """The methods of a model of pydantic 2, of which one member has no JSON form."""

    def __init__(self, name):
        self.name = name

    @classmethod
    def model_validate(cls, value):
        if set(value) != {"name"}:
            raise ValueError("no name")
        return cls(value["name"])

    def model_dump(self, mode="python", by_alias=False):
        return {"name": self.name if mode == "json" else object()}


class Like1:
    """The methods of a model of pydantic 1."""

    __fields__ = {"name": None}
    parse_obj = classmethod(lambda kind, value: Like2.model_validate.__func__(kind, value))
    __init__ = Like2.__init__

    def dict(self, by_alias=False):
        return {"name": self.name}


@pytest.mark.parametrize("kind", [Like1, Like2])
def test_something_like_a_pydantic_model(kind):
    assert CODEC.write(kind("a")) == b'{"name":"a"}'
    assert CODEC.reader(kind)(b'{"name":"a"}').name == "a"
    with pytest.raises(PayloadError, match=f"no {kind.__name__}: no name"):
        CODEC.reader(kind)(b"{}")
