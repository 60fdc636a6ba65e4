"""What types of pydantic have encoded, such as Base64Bytes, is written as its text."""

import dataclasses
from typing import Annotated, Dict, Generic, List, NamedTuple, Optional, Set, TypeVar, Union

import pytest

from records import CODEC

pydantic = pytest.importorskip("pydantic", minversion="2.0")
X = TypeVar("X")


def test_what_a_type_of_pydantic_has_encoded_inside_of_a_record_is_written_as_its_text():

    @dataclasses.dataclass
    class Inner:
        data: pydantic.Base64Bytes

    class Pair(NamedTuple):
        data: pydantic.Base64Bytes
        plain: bytes

    class Outer(pydantic.BaseModel):
        inner: Inner
        pairs: List[Pair]

    made = Outer.model_validate({"inner": {"data": b"/w=="}, "pairs": [(b"/w==", b"\xff")]})
    assert made.inner.data == b"\xff"
    assert CODEC.write(made) == b'{"inner":{"data":"/w=="},"pairs":[["/w==","/w=="]]}'


def test_what_a_type_of_pydantic_has_encoded_is_written_as_its_text_wherever_it_stands():
    TypedDict = pytest.importorskip("typing_extensions").TypedDict

    @dataclasses.dataclass
    class Generic1(Generic[X]):
        data: X

    @dataclasses.dataclass
    class Aliased:
        raw: bytes
        data: pydantic.Base64Bytes = pydantic.Field(alias="Data")

    class Keys(TypedDict):
        raw: bytes
        data: Annotated[pydantic.Base64UrlBytes, pydantic.Field(alias="Data")]

    class Whole(pydantic.BaseModel):
        one: Generic1[pydantic.Base64Bytes]
        alias: Aliased
        keys: Keys
        many: Set[pydantic.Base64Bytes]
        plain: Set[bytes]

    payload = (b'{"one":{"data":"/wB6"},"alias":{"raw":"/wB6","Data":"/wB6"},"keys":{"raw":"/wB6","Data":"_wB6"},'
               b'"many":["/wB6","aGVsbG8="],"plain":["L3dCNg=="]}')
    read = CODEC.reader(Whole)(payload)
    assert (read.one.data, read.alias.data, read.keys["data"]) == 3 * (b"\xff\0z",) and read.many == {b"\xff\0z", b"hello"}
    assert CODEC.write(read) == payload


def test_what_a_type_of_pydantic_has_encoded_is_written_as_its_text():
    class Part(pydantic.BaseModel):
        data: Optional[pydantic.Base64Bytes] = pydantic.Field(default=None, alias="Data")
        raw: bytes = b""
        up: "Optional[Part]" = None

    class Whole(pydantic.BaseModel):
        one: pydantic.Base64UrlBytes
        many: List[pydantic.Base64Bytes]
        parts: Dict[str, Union[Part, int]]
        root: pydantic.RootModel[List[pydantic.Base64Bytes]]
        key: Annotated[bytes, pydantic.BeforeValidator(bytes.fromhex), pydantic.PlainSerializer(lambda value: value.hex())]

    Part.model_rebuild(_types_namespace={"Part": Part})
    payload = (b'{"one":"_-8=","many":["aGVsbG8=",""],"parts":{"a":{"Data":"aGVsbG8=","raw":"aGVsbG8=","up":{"Data":null,"raw":"AP8=",'
               b'"up":null}},"b":1},"root":["aGVsbG8="],"key":"deadbeef"}')
    read = CODEC.reader(Whole)(payload)
    assert (read.one, read.many, read.root.root) == (b"\xff\xef", [b"hello", b""], [b"hello"])
    assert read.parts["a"].data == read.parts["a"].raw == b"hello" and read.parts["a"].up.raw == b"\0\xff"
    assert CODEC.write(read) == payload
