"""Payloads: JSON as System.Text.Json has it, by annotation."""

import dataclasses
import datetime as dt
import enum
import json
import pathlib
import pickle
import random
import uuid
from decimal import Decimal
from typing import Any, Dict, FrozenSet, List, Literal, Mapping, NamedTuple, NewType, Optional, Sequence, Set, Tuple, TypedDict, Union

import pytest

import sluice
from sluice import PayloadError, Worker, pascal_case
from sluice._hash import chooser, xxh64
from sluice._json import Codec

CODEC = Codec()


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


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


UserId = NewType("UserId", int)
ORDER = Order(uuid.UUID(int=7), Decimal("12.50"), dt.datetime(2026, 11, 24, 12, 0, 0, 123456, dt.timezone.utc), Place("Zürich 🚲", ["a"]),
              Color.BLUE, b"\x00\xff", {"x": Level.HIGH}, "me")


@pytest.mark.parametrize("kind, value, written", [
    (int, 5, b"5"), (int, 10**40, b"1" + b"0" * 40), (int, -1, b"-1"), (str, "äöü€🚲\u2028", '"äöü€🚲\u2028"'.encode()),
    (float, 0.1, b"0.1"), (float, 1e300, b"1e+300"), (bool, True, b"true"), (type(None), None, b"null"), (Optional[int], None, b"null"),
    (bytes, b"\x00\xff", b'"AP8="'), (bytearray, bytearray(b"a"), b'"YQ=="'), (Decimal, Decimal("0.10"), b"0.10"),
    (Decimal, Decimal("1E+5"), b"100000"), (Decimal, Decimal("12345678901234567890.12345"), b"12345678901234567890.12345"),
    (List[Decimal], [Decimal("0.30"), Decimal(2)], b"[0.30,2]"), (Color, Color.RED, b'"red"'), (Level, Level.HIGH, b"2"),
    (uuid.UUID, uuid.UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5), b'"2026-01-02T03:04:05"'),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, 600, dt.timezone(dt.timedelta(hours=-3))), b'"2026-01-02T03:04:05.000600-03:00"'),
    (dt.date, dt.date(2026, 1, 2), b'"2026-01-02"'), (dt.time, dt.time(3, 4, 5), b'"03:04:05"'),
    (dt.timedelta, dt.timedelta(days=1, hours=2, microseconds=3), b'"1.02:00:00.0000030"'),
    (dt.timedelta, -dt.timedelta(minutes=5), b'"-00:05:00"'), (List[int], [], b"[]"), (Sequence[int], [1, 2], b"[1,2]"),
    (Tuple[int, str], (1, "a"), b'[1,"a"]'), (Tuple[int, ...], (1, 2, 3), b"[1,2,3]"), (Set[int], {1}, b"[1]"),
    (FrozenSet[int], frozenset([1]), b"[1]"), (Dict[int, str], {1: "a"}, b'{"1":"a"}'), (Mapping[Level, int], {Level.LOW: 1}, b'{"1":1}'),
    (Dict[Color, int], {Color.RED: 1}, b'{"red":1}'), (Point, Point(1, 2), b'{"x":1,"y":2}'), (Row, {"name": "a", "size": 1},
    b'{"name":"a","size":1}'), (UserId, 5, b"5"), (Union[int, str], "a", b'"a"'), (Union[float, int], 5, b"5"), (Literal["a", 1], 1, b"1"),
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


def test_a_newer_writer_and_an_older_one():
    assert CODEC.reader(Place)(b'{"city":"a","zip":5}') == Place("a")          # a member that is not known is skipped
    with pytest.raises(PayloadError, match="members of Place are missing: city"):
        CODEC.reader(Place)(b'{"lines":[]}')


def test_of_two_members_with_one_name_the_last_counts_as_in_csharp():
    assert CODEC.reader(Place)(b'{"city":"a","city":"b"}') == Place("b")


def test_a_decimal_beside_other_numbers():
    assert CODEC.reader(Dict[str, Union[Decimal, List[Any]]])(b'{"a":0.10,"b":[0.5]}') == {"a": Decimal("0.10"), "b": [0.5]}


class Thing:
    pass


deep: Any = 1
for _ in range(65):
    deep = [deep]
endless: List[Any] = []
endless.append(endless)


@pytest.mark.parametrize("value, text", [
    (float("nan"), "NaN and infinities are refused"), ({"a": float("inf")}, r"refused \(at \$\.a\)"), (Decimal("NaN"), "refused"),
    ("a\ud800b", r"lone surrogate U\+D800"), ({"\udfff": 1}, "lone surrogate"), (deep, "deeper than 64"), (endless, "deeper than 64"),
    (Thing(), "a Thing has no JSON form.*never pickled"), ([1, {"a": Thing()}], r"at \$\[1\]\.a"), ({(1, 2): 3}, "no key of a JSON object"),
    (iter([1]), "one by one or as a list"), (object, "has no JSON form"), (1j, "has no JSON form"),
])
def test_values_that_cannot_be_written(value, text):
    with pytest.raises(PayloadError, match=text):
        CODEC.write(value)


@pytest.mark.parametrize("kind, payload, text", [
    (int, b"1.5", "expected an integer, found 1.5"), (int, b"true", "found true"), (int, b'"1"', "expected an integer"),
    (int, b"null", "null"),
    (str, b"1", "expected a text"), (bool, b"1", "expected true or false"), (float, b'"1"', "a number"), (float, b"1e999", "too large"),
    (bytes, b'"%%"', "base64"), (bytes, b"5", "base64"), (List[int], b"{}", "expected a list, found an object"),
    (List[int], b'[1,"a"]', r"\(at \$\[1\]\)"), (Dict[str, int], b"[]", "expected an object"),
    (Color, b'"green"', r"a Color \(red, blue\)"),
    (Level, b"9", "a Level"), (uuid.UUID, b'"x"', "a UUID"), (dt.datetime, b'"yesterday"', "a time such as"),
    (dt.datetime, b'"2026-02-30T00:00:00"', "is no time"), (dt.date, b"5", "a date"), (dt.timedelta, b'"5 min"', "a duration"),
    (Place, b'{"city":"a","up":{"city":1}}', r"\(at \$\.up\.city\)"), (Place, b"null", r"an object \(Place\)"),
    (Any, b"NaN", "no JSON"), (Any, b"[Infinity]", "no JSON"), (Any, b"", "not JSON"), (Any, b"{", "not JSON"), (Any, b"\xff", "not UTF-8"),
    (Any, b"\xff\xfe1\x00", "not UTF-8"), (Any, b"\xef\xbb\xbf1", "JSON"), (Any, b'"\\ud800"', "lone surrogate"),
    (Any, b"[" * 65 + b"]" * 65, "deeper than 64"), (Any, b"[" * 200_000, "JSON|deeper"), (Tuple[int, int], b"[1]", "a list of 2"),
    (Union[int, str], b"[]", "expected an integer.*or expected a text"), (Literal["a"], b'"b"', "'a'"),
    (Row, b'{"name":"a"}', "missing: size"),
    (Any, b"9" * 5000, ""), (Set[List[int]], b"[[1]]", "unhashable"),
])
def test_payloads_that_cannot_be_read(kind, payload, text):
    if payload[:5] == b"99999":
        try:
            assert CODEC.reader(kind)(payload) == int("9" * 5000) if not hasattr(__import__("sys"), "set_int_max_str_digits") else True
        except PayloadError as e:
            assert "digits" in str(e)
        return
    with pytest.raises(PayloadError, match=text):
        CODEC.reader(kind)(payload)


def test_a_pair_of_surrogates_is_a_character():
    assert CODEC.reader(str)(b'"\\ud83d\\udeb2 \\\\ud800"') == "🚲 \\ud800"


def test_damaged_payloads_never_raise_anything_else():
    random_ = random.Random(7)
    data = CODEC.write(ORDER)
    read = CODEC.reader(Order)
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(random_.randint(1, 4)):
            damaged[random_.randrange(len(damaged))] = random_.randrange(256)
        try:
            read(bytes(damaged[: random_.randint(0, len(damaged))] if random_.random() < 0.3 else damaged))
        except PayloadError as e:
            assert len(str(e)) < 2000


@pytest.mark.parametrize("payloads", ["pickle", "dill", "cloudpickle", "joblib", pickle, pickle.Pickler, "marshal"])
def test_pickle_is_refused_by_name(payloads):
    with pytest.raises(ValueError, match="is refused: reading it runs code"):
        Worker(payloads=payloads)


def test_no_module_of_the_package_imports_pickle():
    for file in pathlib.Path(sluice.__file__).parent.glob("*.py"):
        assert "import pickle" not in file.read_text() and "eval(" not in file.read_text()


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
    pydantic = pytest.importorskip("pydantic")

    class User(pydantic.BaseModel):
        name: str
        age: int = 0

    assert CODEC.reader(User)(b'{"name":"a","age":5}') == User(name="a", age=5)
    assert CODEC.reader(List[User])(CODEC.write([User(name="a")])) == [User(name="a")]
    with pytest.raises(PayloadError, match="no User"):
        CODEC.reader(User)(b'{"age":5}')


def test_something_like_a_pydantic_model():
    class Model:
        def __init__(self, name):
            self.name = name

        @classmethod
        def model_validate(cls, value):
            if set(value) != {"name"}:
                raise ValueError("no name")
            return cls(value["name"])

        def model_dump(self, mode, by_alias):
            return {"name": self.name}

    assert CODEC.write(Model("a")) == b'{"name":"a"}'
    assert CODEC.reader(Model)(b'{"name":"a"}').name == "a"
    with pytest.raises(PayloadError, match="no Model: no name"):
        CODEC.reader(Model)(b"{}")


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
