"""What is prepared inside of models of pydantic, and what is left to pydantic."""

import base64
import dataclasses
import datetime as dt
import json
import time
from decimal import Decimal
from typing import Annotated, Any, Dict, List, Literal, NamedTuple, Optional, Union

import pytest

from records import CODEC

pydantic = pytest.importorskip("pydantic")
IS_1 = pydantic.VERSION.startswith("1.")
needs_2 = pytest.mark.skipif(IS_1, reason="pydantic 1 has none of it")


@needs_2
@pytest.mark.parametrize("field", [None, {"union_mode": "left_to_right"}])
def test_pydantic_chooses_the_model_of_a_union(field):
    class A(pydantic.BaseModel):
        x: int

    class B(pydantic.BaseModel):
        x: str

    class Whole(pydantic.BaseModel):
        part: Union[A, B] if field is None else Annotated[Union[A, B], pydantic.Field(**field)]
        more: List[Union[A, B]] = []

    payload = b'{"part":{"x":"5"},"more":[{"x":"5"}]}'
    assert CODEC.reader(Whole)(payload) == Whole.model_validate(json.loads(payload))


@needs_2
def test_a_validator_before_pydantic_gets_the_objects_of_a_union():
    class A(pydantic.BaseModel):
        x: int

    class B(pydantic.BaseModel):
        x: int
        y: int = 0

    class Whole(pydantic.BaseModel):
        part: Union[A, B]

        @pydantic.field_validator("part", mode="before")
        def fix(cls, value):
            return {**value, "x": value["x"] + 1}

    assert CODEC.reader(Whole)(b'{"part":{"x":1}}') == Whole.model_construct(part=A(x=2))


@needs_2
def test_a_tree_of_unions_takes_time_for_each_of_its_nodes_once():
    looks = []

    class Number(pydantic.BaseModel):
        op: Literal["number"]
        value: bytes

    class Minus(pydantic.BaseModel):
        op: Literal["minus"]
        of: "Tree"

    class Not(pydantic.BaseModel):
        op: Literal["not"]
        of: "Tree"

    Tree = Annotated[Union[Minus, Not, Number], pydantic.Field(discriminator="op")]

    class Root(pydantic.BaseModel):
        tree: Tree

    for kind in (Minus, Not, Root):
        kind.model_rebuild(_types_namespace={"Tree": Tree})
    read = CODEC.reader(Root)
    tree: Dict[str, Any] = {"op": "number", "value": "AP8="}
    for _ in range(20):
        tree = {"op": "not", "of": tree}
    payload, start = json.dumps({"tree": tree}).encode(), time.process_time()
    part = read(payload).tree
    assert time.process_time() - start < 1, looks             # a million looks otherwise
    while part.op == "not":
        part = part.of
    assert part.value == b"\0\xff"


@needs_2
def test_the_members_that_all_models_of_a_union_have_alike_are_prepared():
    class A(pydantic.BaseModel):
        data: bytes
        price: Decimal
        n: int

    class B(pydantic.BaseModel):
        data: bytes
        price: Decimal
        n: str
        span: Optional[dt.timedelta] = None

    class Whole(pydantic.BaseModel):
        part: Optional[Union[A, B]]
        raw: Union[bytes, int, None] = None

    payload = b'{"part":{"data":"AP8=","price":12345678901234567890.10,"n":"5","span":"1.02:00:00"},"raw":"AP8="}'
    read = CODEC.reader(Whole)(payload)
    assert read.part == B(data=b"\0\xff", price=Decimal("12345678901234567890.10"), n="5", span=dt.timedelta(days=1, hours=2))
    assert read.raw == b"\0\xff" and CODEC.write(read) == payload


@needs_2
def test_what_decodes_a_text_by_itself_gets_the_text():
    Hex = Annotated[bytes, pydantic.BeforeValidator(bytes.fromhex)]
    Seconds = Annotated[dt.timedelta, pydantic.BeforeValidator(lambda value: dt.timedelta(seconds=len(value)))]

    class Whole(pydantic.BaseModel):
        one: pydantic.Base64Bytes
        maybe: Optional[pydantic.Base64Bytes]
        many: List[pydantic.Base64Bytes]
        key: Hex
        keys: Dict[str, Optional[Hex]]
        outer: Annotated[List[bytes], pydantic.BeforeValidator(lambda value: [bytes.fromhex(one) for one in value])]
        span: Seconds
        validated: bytes
        bare: Annotated[bytes, pydantic.AfterValidator(lambda value: value + b"!"), pydantic.Field(max_length=3)]

        @pydantic.field_validator("validated", mode="before")
        def decode(cls, value):
            return bytes.fromhex(value)

    text = base64.b64encode(b"hello").decode()
    read = CODEC.reader(Whole)(json.dumps({"one": text, "maybe": text, "many": [text], "key": "deadbeef", "keys": {"a": "deadbeef"},
                                           "outer": ["deadbeef"], "span": "abc", "validated": "deadbeef", "bare": "AP8="}).encode())
    dead = bytes.fromhex("deadbeef")
    assert read.model_dump(exclude={"one", "maybe", "many"}) == {
        "key": dead, "keys": {"a": dead}, "outer": [dead], "span": dt.timedelta(seconds=3), "validated": dead, "bare": b"\0\xff!"}
    assert (read.one, read.maybe, read.many) == (b"hello", b"hello", [b"hello"])


@pytest.mark.skipif(not IS_1, reason="of pydantic 1")
def test_what_decodes_a_text_by_itself_gets_the_text_in_pydantic_1():
    class Whole(pydantic.BaseModel):
        key: bytes
        limited: bytes = pydantic.Field(max_length=3)
        short: pydantic.conbytes(max_length=3) = b""

        @pydantic.validator("key", pre=True)
        def decode(cls, value):
            return bytes.fromhex(value)

    read = CODEC.reader(Whole)(b'{"key":"deadbeef","limited":"AP8=","short":"AP8="}')
    assert (read.key, read.limited, read.short) == (bytes.fromhex("deadbeef"), b"\0\xff", b"\0\xff")


@dataclasses.dataclass
class Data:
    data: bytes
    price: Decimal


@dataclasses.dataclass
class Item(Data):
    of: Optional[Data] = None


class Pair(NamedTuple):
    data: bytes
    span: dt.timedelta


def test_records_inside_of_models_are_prepared():
    class Whole(pydantic.BaseModel):
        one: Item
        pair: Pair
        many: List[Pair] = []

    payload = (b'{"one":{"data":"AP8=","price":12345678901234567890.10,"of":{"data":"AA==","price":1}},'
               b'"pair":["AP8=","1.02:00:00"],"many":[%b]}') % (
        b'["AP8=","1.02:00:00"]' if IS_1 else b'{"data":"AP8=","span":"1.02:00:00"}')
    read = CODEC.reader(Whole)(payload)
    assert (read.one.data, read.one.price, read.one.of.data) == (b"\0\xff", Decimal("12345678901234567890.10"), b"\0")
    assert [read.pair, *read.many] == 2 * [Pair(b"\0\xff", dt.timedelta(days=1, hours=2))]
    assert IS_1 or CODEC.reader(Whole)(CODEC.write(read)) == read     # pydantic 1 reads no NamedTuple from an object


@needs_2
def test_a_record_inside_of_a_model_decodes_its_own_texts():
    @dataclasses.dataclass
    class Own:
        data: pydantic.Base64Bytes

    @pydantic.dataclasses.dataclass
    class Validated:
        data: bytes
        other: bytes = pydantic.Field(alias="Other")

        @pydantic.field_validator("data", mode="before")
        def decode(cls, value):
            return bytes.fromhex(value)

    class Whole(pydantic.BaseModel):
        own: Own
        validated: Validated

    read = CODEC.reader(Whole)(b'{"own":{"data":"aGVsbG8="},"validated":{"data":"deadbeef","Other":"AP8="}}')
    assert (read.own.data, read.validated.data, read.validated.other) == (b"hello", bytes.fromhex("deadbeef"), b"\0\xff")


@needs_2
def test_a_model_with_names_that_are_not_known_keeps_its_place_in_a_union():
    class Old(pydantic.BaseModel):
        name: str = pydantic.Field(validation_alias=pydantic.AliasChoices("Name", "NAME"))

    class New(pydantic.BaseModel):
        Name: str
        age: int = 0

    class Names(pydantic.RootModel):
        root: Dict[str, str]

    assert CODEC.reader(Union[Old, New])(b'{"Name":"a"}') == Old(Name="a")
    assert CODEC.reader(Union[New, Names])(b'{"Name":"a"}') == New(Name="a")
    assert CODEC.reader(Union[Names, New])(b'{"Name":"a"}') == Names({"Name": "a"})
