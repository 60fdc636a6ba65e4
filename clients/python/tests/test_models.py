"""Other formats than JSON, and models of pydantic."""

import datetime as dt
import json
import pathlib
from decimal import Decimal
from typing import Any, Dict, List, Optional, Tuple, Union

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


def test_a_model_keeps_decimals_bytes_and_durations():
    pydantic = pytest.importorskip("pydantic")

    class Part(pydantic.BaseModel):
        price: Decimal
        data: bytes = b""
        span: dt.timedelta = dt.timedelta(0)
        share: float = 0.5
        more: Dict[str, Optional[Decimal]] = {}
        other: Any = None

    class Whole(pydantic.BaseModel):
        parts: List[Part] = pydantic.Field(alias="Parts")
        pair: Tuple[int, Decimal]
        up: "Optional[Whole]" = None

    if pydantic.VERSION.startswith("1."):
        Whole.update_forward_refs(Whole=Whole)
    price = "12345678901234567890.12340"
    payload = (f'{{"Parts":[{{"price":{price},"data":"AP8=","span":"1.02:00:00","share":0.25,"more":{{"a":0.10,"b":null}},'
               f'"other":[1.5]}}],"pair":[1,{price}],"up":{{"Parts":[],"pair":[2,0.10],"up":null}}}}').encode()
    read = CODEC.reader(Whole)(payload)
    part = read.parts[0]
    assert part.price == Decimal(price) and str(part.more["a"]) == "0.10" and part.data == b"\0\xff" and part.other == [1.5]
    assert part.span == dt.timedelta(days=1, hours=2) and type(part.share) is float and type(part.other[0]) is float
    assert CODEC.write(read) == payload
    with pytest.raises(PayloadError, match="no Part"):
        CODEC.reader(Part)(b'{"price":"many"}')


def test_a_union_of_models_keeps_decimals():
    pydantic = pytest.importorskip("pydantic", minversion="2.0")            # 1 takes the first that fits

    class Cash(pydantic.BaseModel):
        amount: Decimal

    class Card(pydantic.BaseModel):
        amount: Decimal
        number: str

    class Order(pydantic.BaseModel):
        paid: Union[Cash, Card]

    payload = b'{"paid":{"amount":0.10,"number":"7"}}'
    assert CODEC.write(CODEC.reader(Order)(payload)) == payload


def test_only_the_member_without_a_json_form_is_written_as_pydantic_does():
    pydantic = pytest.importorskip("pydantic", minversion="2.0")

    class Inner(pydantic.BaseModel):
        path: pathlib.Path
        price: Decimal

    class Outer(pydantic.BaseModel):
        inner: List[Inner]
        span: dt.timedelta
        data: bytes

    made = Outer(inner=[Inner(path="/a", price=Decimal("0.10"))], span=dt.timedelta(days=1), data=b"a")
    assert CODEC.write(made) == b'{"inner":[{"path":"/a","price":0.10}],"span":"1.00:00:00","data":"YQ=="}'
    assert CODEC.reader(Outer)(CODEC.write(made)) == made


def test_bytes_that_are_no_text_stand_beside_a_type_that_only_pydantic_writes():
    pydantic = pytest.importorskip("pydantic", minversion="2.0")

    class Page(pydantic.BaseModel):
        url: pydantic.HttpUrl
        image: bytes
        paths: List[pathlib.Path] = []

    class Never(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        image: bytes
        thing: object

    page = Page(url="https://a.example/", image=b"\x89PNG\xff", paths=["/a"])
    assert CODEC.write([page]) == b'[{"url":"https://a.example/","image":"iVBOR/8=","paths":["/a"]}]'
    assert CODEC.reader(Page)(CODEC.write(page)) == page
    with pytest.raises(PayloadError, match=r"a object has no JSON form.*\(at \$\.thing\)"):
        CODEC.write(Never(image=b"\xff", thing=object()))


def test_a_secret_is_not_written():
    pydantic = pytest.importorskip("pydantic")

    class User(pydantic.BaseModel):
        name: str
        password: pydantic.SecretStr

    with pytest.raises(PayloadError, match=r"a SecretStr is kept secret: put out value.get_secret_value\(\) .* \(at \$.password\)"):
        CODEC.write(User(name="a", password="topsecret"))
