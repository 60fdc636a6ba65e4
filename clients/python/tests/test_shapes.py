"""Types that cross are compared at the start: an annotation with the name and the JSON schema of the type in C#."""

import asyncio
import dataclasses
import datetime as dt
import json
import sys
import uuid
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Dict, List, Literal, NamedTuple, NewType, Optional, Tuple, TypedDict, Union

import pytest

from fake_parent import Parent, Stream
from playing import fails
from records import Page
from sluice import IO, Checkpoint, IOVal, IOWriter, PayloadError, Worker, pascal_case, testing
from sluice._payloads import Codec
from sluice._payloads._shapes import conflict

# As System.Text.Json.Schema.JsonSchemaExporter writes it of
# record Order(int Id, List<Line> Lines, DateTime At, Guid? Key, Color Color, (int, string) Pair, Dictionary<string, double> Rates)
# record Line(string Name, decimal Price, Order? Parent)
LINE = {"type": ["object", "null"], "properties": {"Name": {"type": "string"}, "Price": {"type": "number"}, "Parent": {"$ref": "#"}},
        "required": ["Name", "Price", "Parent"]}
ORDER = {"type": ["object", "null"], "required": ["Id", "Lines", "At", "Key", "Color", "Pair", "Rates"], "properties": {
    "Id": {"type": "integer"}, "Lines": {"type": "array", "items": LINE}, "At": {"type": "string", "format": "date-time"},
    "Key": {"type": ["string", "null"], "format": "uuid"}, "Color": {"type": "integer"},
    "Pair": {"type": "object", "properties": {"Item1": {"type": "integer"}, "Item2": {"type": ["string", "null"]}}},
    "Rates": {"type": "object", "additionalProperties": {"type": "number"}}}}


class Color(IntEnum):
    RED = 1


class Word(Enum):
    RED = "red"


Key = NewType("Key", uuid.UUID)


@dataclasses.dataclass
class Line:
    name: str
    price: Decimal
    parent: "Optional[Order]" = None


@dataclasses.dataclass
class Order:
    id: int
    lines: List[Line]
    at: dt.datetime
    key: Optional[Key]
    color: Color
    pair: Tuple[int, str]
    rates: Dict[str, float]


def of(**changes):
    """The order with members of other types."""
    return dataclasses.make_dataclass("Order", [(field.name, changes.get(field.name, field.type if field.name != "key" else Optional[Key]))
                                                for field in dataclasses.fields(Order) if changes.get(field.name) != "none"]
                                      + [(name, kind) for name, kind in changes.items() if name == "more"])


class Pair(NamedTuple):
    name: str
    price: float


class Typed(TypedDict):
    Name: str
    Price: float


@pytest.mark.parametrize("schema, kind, reads, said", [
    (ORDER, Order, True, None), (ORDER, Dict[str, Any], True, None), (ORDER, dict, True, None), (ORDER, Any, True, None),
    (ORDER, Optional[Order], True, None), (ORDER, Union[Order, int], True, None), (ORDER, Annotated[Order, 1], True, None),
    (ORDER, str, True, "C# has an object, and Python a text"), (ORDER, List[Order], True, "C# has an object, and Python a list"),
    (ORDER, Union[int, str], True, "C# has an object, and Python an integer"),
    (ORDER, of(id=str), True, "C# has an integer, and Python a text (at $.Id)"),
    (ORDER, of(lines=List[int]), True, "C# has an object, and Python an integer (at $.Lines[0])"),
    (ORDER, of(at=dt.date), True, "C# has a text of the form date-time, and Python one of the form date (at $.At)"),
    (ORDER, of(key=dt.datetime), True, "form uuid, and Python one of the form date-time (at $.Key)"),
    (ORDER, of(color=Word), True, "C# has an integer, and Python a text (at $.Color)"), (ORDER, of(color=Literal[1, 2]), True, None),
    (ORDER, of(pair=List[int]), True, "C# has an object, and Python a list (at $.Pair)"),
    (ORDER, of(pair=Tuple[int, int]), True, "C# has a text, and Python an integer (at $.Pair.Item2)"),
    (ORDER, of(rates=Dict[str, str]), True, "C# has a number, and Python a text (at $.Rates.*)"),
    (ORDER, of(rates=Dict[str, int]), True, None), (ORDER, of(more=int), True, "Python needs More, and C# has Id, Lines, At, Key"),
    (ORDER, of(rates="none"), True, None),
    (ORDER, of(rates="none"), False, "C# needs Rates, and Python has Id, Lines, At, Key, Color, Pair"),
    (ORDER, of(pair=dict, lines=list), False, None),
    (ORDER, Order, False, "C# has an object, and Python a list (at $.Lines[0].Parent.Pair)"),
    (ORDER, of(id=float), False, "C# has an integer, and Python a number (at $.Id)"), (ORDER, of(id=float), True, None),
    (LINE, Pair, True, None), (LINE, Typed, True, None), (LINE, Typed, False, "C# needs Parent, and Python has Name, Price"),
    ({"type": "array", "items": {"type": "integer"}}, List[int], True, None),
    ({"type": "array", "items": {"type": "integer"}}, list, True, None),
    ({"type": "array", "items": {"type": "integer"}}, Tuple[str, ...], True, "Python a text (at $[0])"),
    ({"enum": ["red", "blue"]}, Word, False, None), ({"enum": ["red", "blue"]}, Literal[Word.RED], True, None),
    ({"type": "integer"}, Literal[Word.RED], True, "C# has an integer, and Python a text"),
    ({"enum": ["RED", "BLUE"]}, Word, False, "C# has \"RED\" or \"BLUE\", and Python 'red'"),
    ({"enum": ["red", "blue"]}, int, True, "C# has a text, and Python an integer"), ({"type": "boolean"}, bool, True, None),
    ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, str, True, None),
    ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, bool, True, "C# has an integer, and Python true or false"),
    (True, Order, True, None), ({}, Order, True, None), ({"$ref": "#/nowhere"}, Order, True, None), (5, int, True, None),
    ({"properties": {"Note": {"type": "string"}}, "type": "object"}, Pair, False, "C# needs Note, and Python has Name, Price"),
])
def test_a_type_is_compared_with_a_schema(schema, kind, reads, said):
    found = Codec(names=pascal_case).conflict("Order", schema, kind, reads)
    assert found == said if said is None else found is not None and said in found


def test_a_record_with_names_of_python_says_how_names_are_mapped():
    assert Codec().conflict("Line", LINE, Line, True) == ("Python needs name, price, and C# has Name, Price, Parent. "
                                                         "Worker(names=pascal_case) or field(metadata={'json': …}) maps names")


@pytest.mark.parametrize("name, kind, fits", [
    ("int", str, False), ("int?", Optional[str], False), ("int?", Optional[int], True), ("string", bytes, False), ("byte[]", bytes, True),
    ("byte[]", str, False), ("Guid", Key, True), ("bool", int, False), ("double", int, True), ("Order", int, True), (None, int, True),
    ("int", List[int], True),
])
def test_without_a_schema_plain_types_are_compared_by_their_names(name, kind, fits):
    assert (Codec().conflict(name, None, kind, True) is None) is fits


@pytest.mark.parametrize("name, schema, fits", [
    ("byte[]", None, True), ("ReadOnlyMemory<byte>", None, False), ("Memory<byte>", None, False), ("Color", {"enum": ["Red"]}, False),
    ("Order", ORDER, False), ("JsonElement", True, True), ("Foo", None, True), (None, None, True)])
@pytest.mark.parametrize("kind", [bytes, Optional[bytes], bytearray])
def test_bytes_are_read_of_nothing_that_is_json(name, schema, fits, kind):
    found = Codec().conflict(name, schema, kind, True)
    assert found == (None if fits else f"C# has {name}, which is JSON, and Python bytes as they are: use byte[] in C#")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="X | Y needs Python 3.10")
def test_a_union_of_the_new_form_is_one_of_the_old():
    for kind in (eval("str | None"), Optional[str]):
        assert Codec().conflict("int?", None, kind, True) == "" and Codec().conflict("string", None, kind, True) is None
        assert Codec().conflict("Order", ORDER, kind, True) == "C# has an object, and Python a text"


def test_another_format_than_json_is_not_compared():
    assert Codec(json).conflict("int", {"type": "integer"}, str, True) is None


def plan(name, schema):
    return {"Streams": [{"Name": name, "Type": "Order", "Schema": schema, "MaxItemBytes": 1000}]}


def test_a_function_of_other_types_does_not_start():
    started = []

    async def reads(x: IO[List[int]]):
        started.append(1)
        yield IOVal("y", 1)

    assert fails(reads, extra=plan("x", ORDER)).message == (
        "The stream x has values of the type Order; the function of the processor work in Python reads List[int]: C# has an object, and "
        "Python a list. Change one of them.")

    async def writes(x: IO[int], y: IOWriter[str]):
        started.append(1)

    assert "in Python writes str: C# has an object, and Python a text. Change" in fails(writes, extra=plan("y", ORDER)).message

    async def returns(x: IO[int]) -> str:
        started.append(1)
        return ""

    assert "in Python writes str: C# has" in fails(returns, outputs=["y"], extra=plan("y", ORDER)).message
    assert started == []


def test_bytes_cross_as_they_are():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def twice(x: IO[bytes], y: IOWriter[bytes]):
        async for one in x.stream():
            await y.write(one + bytearray(one))

    async def go():
        async with Parent(worker) as parent:
            call = parent.call("twice", {"x": Stream([b"\0\xff", b""], raw=True)}, ["y"], types={"x": "byte[]", "y": "byte[]"})
            assert await call.result() is None
            return call.put["y"]

    assert asyncio.run(go()) == [b"\0\xff\0\xff", b""]


def test_optional_bytes_are_the_bytes_as_they_are():
    assert [Codec().reader(Optional[bytes])(one) for one in (b"null", b'"eA=="', b"\0")] == [b"null", b'"eA=="', b"\0"]
    assert Codec().reader(Optional[bytearray])(b"\0") == bytearray(b"\0")


@pytest.mark.parametrize("value", [None, "abc", [b"x"], 5, {"a": 1}])
@pytest.mark.parametrize("kind, type", [(bytes, None), (bytes, "byte[]"), (Optional[bytes], None), (Any, "byte[]")])
def test_what_is_no_bytes_is_not_written_to_a_stream_of_bytes(value, kind, type):
    async def writes(x: IO[int], y: IOWriter[kind]):
        await y.write(value)

    assert f"the stream's type is {type or 'bytes'}" in fails(writes, outputs=["y"], types={"y": type} if type else None).message

    async def returns(x: IO[int]) -> kind:
        return value

    if kind is not Any and value is not None:
        assert f"the stream's type is {type or 'bytes'}" in fails(returns, outputs=["y"], types={"y": type} if type else None).message


def test_a_state_of_bytes_is_bytes():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=[])
    async def saves(x: IO[bytes], state: Checkpoint[Optional[bytes]]):
        await state.save(None)

    with pytest.raises(PayloadError, match="annotated as bytes, and is a NoneType"):
        testing.run(worker, "saves", {"x": []})
    with pytest.raises(PayloadError, match="annotated as bytes, and is a str"):
        testing.run(worker, "saves", {"x": ["abc"]})


def test_a_record_whose_annotations_cannot_be_read_is_not_compared():
    @dataclasses.dataclass
    class Out:
        at: "OnlyForTypeCheckers"  # noqa: F821

    schema = {"type": "object", "properties": {"at": {"type": "string"}}}
    assert conflict(schema, Out, lambda name: name, False) is None
    assert "C# has an object, and Python a list" in conflict(schema, List[Out], lambda name: name, False)
    worker = Worker()

    @worker.stage
    def work(x: int) -> Out: ...

    assert worker._stages["work"].fit(0, {"Output": {"Type": "Out", "Schema": schema}}) is None


def test_a_tuple_of_nine_is_two_objects_in_csharp():
    seven = {f"Item{i}": {"type": "integer"} for i in range(1, 8)}
    schema = {"type": "object", "properties": {**seven, "Rest": {"type": "object", "properties": {"Item1": {"type": "string"},
                                                                                                "Item2": {"type": "integer"}}}}}
    def found(eighth):
        return conflict(schema, Tuple[int, int, int, int, int, int, int, eighth, int], lambda name: name, reads=True)

    assert found(str) is None and found(int) == "C# has a text, and Python an integer (at $.Rest.Item1)"


def test_a_generic_record_is_compared_with_its_arguments():
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": LINE}}}
    assert conflict(schema, Page[Line], pascal_case, reads=True).startswith("Python needs Items")
    assert conflict(schema, Page[Line], lambda name: name, reads=True).startswith("Python needs name, price (at $.items[0])")
    assert conflict(schema, Page[int], lambda name: name, reads=True) == "C# has an object, and Python an integer (at $.items[0])"
    assert conflict(schema, Page[Dict[str, Any]], lambda name: name, reads=True) is None
