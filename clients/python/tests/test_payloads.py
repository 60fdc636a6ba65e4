"""Payloads: JSON as System.Text.Json has it, by annotation."""

import datetime as dt
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import typing
import uuid
from decimal import Decimal
from typing import Annotated, Any, Dict, FrozenSet, List, Literal, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, Union

import pytest

from records import CODEC, ORDER, Color, Level, Nested, Order, Page, Place, Places, Point, Row, Share, UserId, Weight
from sluice import PayloadError, pascal_case
from sluice._hash import chooser, xxh64
from sluice._payloads import Codec


@pytest.mark.parametrize("kind, value, written", [
    (int, 5, b"5"), (int, 10**40, b"1" + b"0" * 40), (int, -1, b"-1"), (str, "äöü€🚲\u2028", '"äöü€🚲\u2028"'.encode()),
    (float, 0.1, b"0.1"), (float, 1e300, b"1e+300"), (bool, True, b"true"), (type(None), None, b"null"), (Optional[int], None, b"null"),
    (bytes, b"\x00\xff", b"\x00\xff"), (bytearray, bytearray(b"a"), b"a"), (List[bytes], [b"\x00\xff"], b'["AP8="]'),
    (Dict[str, bytearray], {"a": bytearray(b"a")}, b'{"a":"YQ=="}'), (Decimal, Decimal("0.10"), b"0.10"),
    (Decimal, Decimal("1E+5"), b"100000"), (Decimal, Decimal("12345678901234567890.12345"), b"12345678901234567890.12345"),
    (List[Decimal], [Decimal("0.30"), Decimal(2)], b"[0.30,2]"), (Color, Color.RED, b'"red"'), (Level, Level.HIGH, b"2"),
    (uuid.UUID, uuid.UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5), b'"2026-01-02T03:04:05"'),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, 600, dt.timezone(dt.timedelta(hours=-3))), b'"2026-01-02T03:04:05.000600-03:00"'),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, 0, dt.timezone.utc), b'"2026-01-02T03:04:05Z"'),
    (dt.date, dt.date(2026, 1, 2), b'"2026-01-02"'), (dt.time, dt.time(3, 4, 5), b'"03:04:05"'),
    (dt.timedelta, dt.timedelta(days=1, hours=2, microseconds=3), b'"1.02:00:00.0000030"'),
    (dt.timedelta, -dt.timedelta(minutes=5), b'"-00:05:00"'), (List[int], [], b"[]"), (Sequence[int], [1, 2], b"[1,2]"),
    (Tuple[int, str], (1, "a"), b'[1,"a"]'), (Tuple[int, ...], (1, 2, 3), b"[1,2,3]"), (Set[int], {1}, b"[1]"),
    (FrozenSet[int], frozenset([1]), b"[1]"), (Dict[int, str], {1: "a"}, b'{"1":"a"}'), (Mapping[Level, int], {Level.LOW: 1}, b'{"1":1}'),
    (Dict[Color, int], {Color.RED: 1}, b'{"red":1}'), (Dict[UserId, int], {5: 1}, b'{"5":1}'),
    (Dict[Annotated[int, "an id"], int], {5: 1}, b'{"5":1}'), (Dict[bool, int], {True: 1}, b'{"True":1}'),
    (Dict[float, int], {1.5: 1}, b'{"1.5":1}'), (Dict[Decimal, int], {Decimal("1.50"): 1}, b'{"1.50":1}'),
    (Dict[uuid.UUID, int], {uuid.UUID(int=1): 1}, b'{"00000000-0000-0000-0000-000000000001":1}'),
    (Dict[dt.date, int], {dt.date(2026, 1, 2): 1}, b'{"2026-01-02":1}'), (Dict[dt.time, int], {dt.time(3, 4): 1}, b'{"03:04:00":1}'),
    (Dict[dt.datetime, int], {dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc): 1}, b'{"2026-01-02T00:00:00Z":1}'),
    (Dict[dt.timedelta, int], {dt.timedelta(hours=1): 1}, b'{"01:00:00":1}'), (Point, Point(1, 2), b'{"x":1,"y":2}'),
    (Row, {"name": "a", "size": 1}, b'{"name":"a","size":1}'),
    (UserId, 5, b"5"), (Union[int, str], "a", b'"a"'), (Union[float, int], 5, b"5"), (Literal["a", 1], 1, b"1"),
    (Literal[Color.RED], Color.RED, b'"red"'), (Literal["a", Level.HIGH], Level.HIGH, b"2"), (Share, Share.HALF, b"0.5"),
    (Tuple[Share, Decimal], (Share.HALF, Decimal("0.10")), b"[0.5,0.10]"), (Share, Share.ALL, b"1.0"),
    (Dict[str, Union[Share, Decimal]], {"a": Share.HALF}, b'{"a":0.5}'), (Weight, Weight.LIGHT, b"0.50"), (Weight, Weight.HEAVY, b"20"),
    (Tuple[Weight, Decimal], (Weight.LIGHT, Decimal(1)), b"[0.50,1]"),
    (Any, {"a": [1, 2.5, None, True]}, b'{"a":[1,2.5,null,true]}'),
    (Place, Place("a", [], Place("b")), b'{"city":"a","lines":[],"up":{"city":"b","lines":[],"up":null}}'),
])
def test_values_come_back_as_they_were(kind, value, written):
    assert CODEC.write(value) == written
    found = CODEC.reader(kind)(written)
    assert found == value and type(found) is type(value)


def test_a_record():
    data = CODEC.write(ORDER)
    assert CODEC.reader(Order)(data) == ORDER
    assert json.loads(data)["@given"] == "me" and b"12.50" in data and "Zürich 🚲".encode() in data


def test_names_of_csharp():
    codec = Codec(names=pascal_case)
    data = codec.write(Place("a", ["b"]))
    assert data == b'{"City":"a","Lines":["b"],"Up":null}'
    assert codec.reader(Place)(data) == Place("a", ["b"])
    with pytest.raises(PayloadError, match=r"missing: city. It has City: Worker\(names=pascal_case\)"):
        CODEC.reader(Place)(data)
    assert pascal_case("user_name_2") == "UserName2"


@pytest.mark.parametrize("written, expected", [
    (b'"2026-11-24T12:00:00.1234567Z"', dt.datetime(2026, 11, 24, 12, 0, 0, 123456, dt.timezone.utc)),
    (b'"2026-11-24T12:00:00.1+05:30"', dt.datetime(2026, 11, 24, 12, 0, 0, 100000, dt.timezone(dt.timedelta(hours=5, minutes=30)))),
    (b'"2026-11-24"', dt.datetime(2026, 11, 24)),
])
def test_times_of_csharp(written, expected):
    assert CODEC.reader(dt.datetime)(written) == expected


def test_space_around_a_value():
    assert CODEC.reader(int)(b" 5 \n") == 5
    with pytest.raises(PayloadError, match="Extra data"):
        CODEC.reader(int)(b"5 6")


def test_tuples_of_csharp():
    assert CODEC.reader(Tuple[int, str])(b'{"Item1":1,"Item2":"a"}') == (1, "a")
    for empty in (Tuple[()], tuple[()]):            # by the version of Python, the arguments are ((),) or ()
        assert CODEC.reader(empty)(b"{}") == CODEC.reader(empty)(b"[]") == ()
        for other in (b"[1]", b"null"):
            with pytest.raises(PayloadError, match="expected a list of 0"):
                CODEC.reader(empty)(other)
    assert CODEC.reader(tuple)(b"[1]") == CODEC.reader(Tuple)(b"[1]") == (1,)
    seven = b'{"Item1":1,"Item2":2,"Item3":3,"Item4":4,"Item5":5,"Item6":6,"Item7":7'
    nine = Tuple[int, int, int, int, int, int, int, int, str]
    assert CODEC.reader(nine)(seven + b',"Rest":{"Item1":8,"Item2":"a"}}') == (1, 2, 3, 4, 5, 6, 7, 8, "a")
    for damaged in (seven + b"}", seven + b',"Rest":{"Item1":8}}', seven + b',"Rest":8}'):
        with pytest.raises(PayloadError, match="expected a list of 9"):
            CODEC.reader(nine)(damaged)


def test_keys_of_csharp_are_the_names_of_enums():
    assert CODEC.reader(Dict[Level, int])(b'{"Low":1,"HIGH":2}') == {Level.LOW: 1, Level.HIGH: 2}
    with pytest.raises(PayloadError, match="expected the name or number of a Level, found 'Middle'"):
        CODEC.reader(Dict[Level, int])(b'{"Middle":1}')
    for kind in (int, float, Decimal):
        with pytest.raises(PayloadError, match="as name, found 'x'"):
            CODEC.reader(Dict[kind, int])(b'{"x":1}')


def test_a_generic_record_is_read_with_its_arguments():
    page = b'{"items":[{"city":"a"}],"next":{"items":[{"city":"b"}]}}'
    for kind in (Page[Place], Places):
        found = CODEC.reader(kind)(page)
        assert type(found) is (typing.get_origin(kind) or kind) and found.items == [Place("a")] and found.next.items == [Place("b")]
    assert CODEC.reader(Nested[Place])(b'{"items":[[{"city":"a"}]],"own":{"city":"b"}}') == Nested([[Place("a")]], None, Place("b"))
    assert CODEC.reader(Page)(b'{"items":[{"city":"a"}]}') == Page([{"city": "a"}])
    with pytest.raises(PayloadError, match=r"expected a number, found 'x' \(at \$.items\[0\]\)"):
        CODEC.reader(Page[Decimal])(b'{"items":["x"]}')


def test_a_newer_writer_and_an_older_one():
    assert CODEC.reader(Place)(b'{"city":"a","zip":5}') == Place("a")          # a member that is not known is skipped
    with pytest.raises(PayloadError, match="members of Place are missing: city"):
        CODEC.reader(Place)(b'{"lines":[]}')


def test_of_two_members_with_one_name_the_last_counts_as_in_csharp():
    assert CODEC.reader(Place)(b'{"city":"a","city":"b"}') == Place("b")


def test_a_decimal_beside_other_numbers():
    assert CODEC.reader(Dict[str, Union[Decimal, List[Any]]])(b'{"a":0.10,"b":[0.5]}') == {"a": Decimal("0.10"), "b": [0.5]}


def test_the_hash_is_xxh64():
    assert xxh64(b"") == 0xEF46DB3751D8E999
    assert xxh64(b"abc") == 0x44BC2CF5AD770999
    assert xxh64(b"Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1
    assert -(2**31) <= chooser("p,q", 0) < 2**31 and chooser("p,q", 0) != chooser("p,q", 1)


# --- plain texts and lists, which skip the codec ---

@pytest.mark.parametrize("text", ["", "a", '"', "\\", "\x00", "\x1f", " ", "\x7f", "\u2028", "🚲", 'a"b', "a\\b", "a\nb", "x" * 1024,
                                  "ü" * 1024 + '"'])
def test_every_text_comes_back_and_is_written_as_json_writes_it(text):
    written = CODEC.write(text)
    assert written == json.dumps(text, ensure_ascii=False).encode()
    assert CODEC.reader(str)(written) == CODEC.reader(str)(json.dumps(text).encode()) == text


@pytest.mark.parametrize("payload", [b'"', b'"a', b'a"', b'"a"b"', b'"a\\"', b'"a\nb"', b'"\x00"', b'"\xff"', b'"\\ud800"', b'""""', b"1",
                                     b""])
def test_what_is_no_text(payload):
    with pytest.raises(PayloadError):
        CODEC.reader(str)(payload)


@pytest.mark.parametrize("kind, values", [(int, [1, -2, 10**30]), (str, ["a", 'b"', ""]), (bool, [True, False]), (float, [1.5, 2.0])])
def test_plain_lists_come_back(kind, values):
    assert CODEC.reader(List[kind])(CODEC.write(values)) == values
    assert CODEC.reader(Tuple[kind, ...])(CODEC.write(values)) == tuple(values)
    assert CODEC.write(values) == json.dumps(values, separators=(",", ":")).encode()


@pytest.mark.parametrize("kind, payload, said", [
    (int, b"[1,true]", r"expected an integer, found true \(at \$\[1\]\)"), (int, b"[1,2.0]", r"found 2.0 \(at \$\[1\]\)"),
    (bool, b"[true,1]", r"found 1 \(at \$\[1\]\)"), (str, b'["a",null]', r"found null \(at \$\[1\]\)")])
def test_a_list_with_a_value_of_another_type_says_where(kind, payload, said):
    with pytest.raises(PayloadError, match=said):
        CODEC.reader(List[kind])(payload)


def test_a_list_that_cannot_be_written_says_where():
    with pytest.raises(PayloadError, match=r"nan has no JSON form.*at \$\[1\]"):
        CODEC.write([1.0, float("nan")])
    with pytest.raises(PayloadError, match="lone surrogate"):
        CODEC.write(["a", "\ud800"])


def test_two_members_with_one_name_are_refused():
    @dataclasses.dataclass
    class Twice:
        user_name: str
        userName: str

    class Pair(NamedTuple):
        a_b: int
        aB: int

    with pytest.raises(PayloadError, match="its members 1 and '1' have the same name in JSON, 1: rename one of them"):
        CODEC.write({1: "a", "1": "b"})
    for value, names in ((Twice("a", "b"), "'user_name' and 'userName'"), (Pair(1, 2), "'a_b' and 'aB'")):
        with pytest.raises(PayloadError, match=f"its members {names} have the same name in JSON, "):
            Codec(names=lambda name: pascal_case(name).lower()).write(value)
    with pytest.raises(TypeError, match="Twice has two members with the name UserName in JSON, user_name and User_name: rename one"):
        Codec(names=pascal_case).reader(dataclasses.make_dataclass("Twice", [("user_name", str), ("User_name", str)]))


def test_a_set_is_written_in_one_order():
    words = ["red", "green", "blue", "yellow", "white"]
    for seed in "012":
        found = subprocess.run([sys.executable, "-c", f"from sluice._payloads import Codec; print(Codec().write({{'a': set({words})}}))"],
                               env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(pathlib.Path(__file__).parent.parent)},
                               capture_output=True, text=True)
        assert found.stdout.strip() == """b'{"a":["blue","green","red","white","yellow"]}'""", found.stderr
    assert CODEC.write({Decimal("0.5"), 3}) == b"[0.5,3]"


def test_a_union_of_records_drops_no_members_of_the_right_one():
    @dataclasses.dataclass
    class Cat:
        name: str

    @dataclasses.dataclass
    class Dog:
        name: str
        breed: str

    @dataclasses.dataclass
    class Note:
        text: Optional[str] = None

    for kind in (Union[Cat, Dog], Union[Note, Cat, Dog], Optional[Union[Dog, Note, Cat]]):
        read = CODEC.reader(kind)
        assert read(b'{"name":"x","breed":"y"}') == Dog("x", "y")
        assert read(b'{"name":"x"}') == Cat("x") and read(b'{"name":"x","age":1}') == Cat("x")
    assert CODEC.reader(Union[Cat, Dict[str, int]])(b'{"name":1}') == {"name": 1}
    for kind in (Union[Cat, Dog, Dict[str, Any]], Union[Dict[str, int], Cat, Dog]):
        assert CODEC.reader(kind)(b'{"name":"x","breed":"y","new":2}') == Dog("x", "y")       # a dict keeps its place
    with pytest.raises(PayloadError, match="; or "):
        CODEC.reader(Union[Cat, Dog])(b"{}")


def test_a_key_that_is_true_or_false_is_read_as_it_is_written():
    codec, kind = Codec(), Dict[bool, int]
    assert codec.write({True: 1, False: 2}) == b'{"True":1,"False":2}'
    assert codec.reader(kind)(codec.write({True: 1, False: 2})) == {True: 1, False: 2}
    with pytest.raises(PayloadError, match="expected True or False as name, found 'true'"):
        codec.reader(kind)(b'{"true":1}')


@pytest.mark.parametrize("value, said", [
    (dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(minutes=53, seconds=28))), "has an offset with seconds"),
    (dt.time(1, 2, tzinfo=dt.timezone.utc), "01:02:00\\+00:00 has a zone")])
def test_times_that_nobody_reads_are_not_written(value, said):
    with pytest.raises(PayloadError, match=said):
        Codec().write(value)
    with pytest.raises(PayloadError, match=said):
        Codec().write([{"at": value}])
