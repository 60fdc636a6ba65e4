"""Values that have no JSON form, payloads that are damaged or of another type, and what is never done: pickle."""

import datetime as dt
import pathlib
import pickle
import random
import uuid
from decimal import Decimal
from typing import Any, Dict, List, Literal, Set, Tuple, Union

import pytest

import sluice
from records import CODEC, ORDER, Color, Level, Order, Place, Row
from sluice import PayloadError, Worker
from sluice._payloads import brief, unfit


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
    (List[bytes], b'["%%"]', "base64"), (List[bytes], b"[5]", "base64"), (List[int], b"{}", "expected a list, found an object"),
    (List[int], b'[1,"a"]', r"\(at \$\[1\]\)"), (Dict[str, int], b"[]", "expected an object"),
    (Color, b'"green"', r"a Color \(red, blue\)"),
    (Level, b"9", "a Level"), (uuid.UUID, b'"x"', "a UUID"), (dt.datetime, b'"yesterday"', "a time such as"),
    (dt.datetime, b'"2026-02-30T00:00:00"', "is no time"), (dt.date, b"5", "a date"), (dt.date, b'"20200101"', "a date"),
    (dt.date, b'"2026-W01-1"', "a date"), (dt.timedelta, b'"5 min"', "a duration"),
    (Place, b'{"city":"a","up":{"city":1}}', r"\(at \$\.up\.city\)"), (Place, b"null", r"an object \(Place\)"),
    (Any, b"NaN", "no JSON"), (Any, b"[Infinity]", "no JSON"), (Any, b"", "not JSON"), (Any, b"{", "not JSON"), (Any, b"\xff", "not UTF-8"),
    (Any, b"\xff\xfe1\x00", "not UTF-8"), (Any, b"\xef\xbb\xbf1", "JSON"), (Any, b'"\\ud800"', "lone surrogate"),
    (Any, b"[" * 65 + b"]" * 65, "deeper than 64"), (Any, b"[" * 200_000, "JSON|deeper"), (Tuple[int, int], b"[1]", "a list of 2"),
    (Union[int, str], b"[]", "expected an integer.*or expected a text"), (Literal["a"], b'"b"', "'a'"),
    (Literal[Color.RED, 1], b'"blue"', "expected 'red' or 1, found 'blue'"), (Literal["a"], b"[]", "expected 'a', found a list"),
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


@pytest.mark.parametrize("leaf", [1, 1.5, "a", None, Decimal("1.5"), dt.time(1), dt.date(2026, 1, 2), dt.timedelta(1), uuid.UUID(int=1),
                                  Color.RED, b"a"])
def test_every_value_without_parts_may_stand_in_64_lists(leaf):
    value: Any = leaf
    for _ in range(64):
        value = [value]
    assert CODEC.write(value).startswith(b"[" * 64)
    with pytest.raises(PayloadError, match="deeper than 64"):
        CODEC.write([value])


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


@pytest.mark.parametrize("theirs, value", [("float", 1e39), ("float?", -1e39), ("float", Decimal("1e39")), ("float", 10**39),
                                           ("double", 10**400), ("double", Decimal("1e400"))])
def test_a_number_that_csharp_would_read_as_an_infinity_is_refused(theirs, value):
    assert unfit(theirs, value) == f"the stream's type is {theirs}, and C# would read an infinity"


@pytest.mark.parametrize("theirs", ["float", "double", "decimal", "int", None])
def test_a_signaling_nan_is_refused(theirs):
    with pytest.raises(PayloadError):
        if (why := unfit(theirs, Decimal("sNaN"))) is not None:
            raise PayloadError(why)
        CODEC.write(Decimal("sNaN"))
    assert unfit("float", 3.4e38) is None and unfit("double", 1e308) is None and unfit("double", 5) is None


def test_a_refused_value_is_said_by_its_beginning():
    assert len(brief("x" * 10**6)) < 130 and len(brief([1.5] * 10**6)) < 130 and brief(10**5000)
