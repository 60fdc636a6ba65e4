"""Results of stages that do not fit the type that C# reads."""

from decimal import Decimal
from typing import Optional

import pytest

from sluice._items import done
from sluice._payloads import Codec
from sluice._stage import Stage


@pytest.mark.parametrize("value", [None, "abc", [b"x"]])
@pytest.mark.parametrize("types", [{}, {"Output": {"Type": "byte[]"}}])
def test_a_result_that_is_no_bytes_fails_its_item(value, types):
    one = Stage("work", returns_bytes(lambda _: value), False, Codec())
    assert one.fit(0, types) is None
    said = "The result 0 (from 0), of the type " + type(value).__name__ + ", cannot be written: the result's type is "
    assert said.encode() in b"".join(one.work([(1, b"5")], 1000))
    lists = Stage("work", lambda xs: [b"x", value], True, Codec())
    assert lists.fit(10, {"Output": {"Type": "byte[]"}}) is None
    good, bad = lists.work([(1, b"5"), (2, b"6")], 1000)
    assert good == done(1, [b"x"]) and said.encode() in bad


def returns_bytes(function):
    def work(x: int) -> Optional[bytes]:
        return function(x)

    return work


def test_a_number_beyond_its_type_fails_its_item():
    one = Stage("work", lambda x: 2**31, False, Codec())
    assert one.fit(0, {"Output": {"Type": "int"}}) is None
    assert b"the result's type is int, from -2,147,483,648 to" in b"".join(one.work([(1, b"5")], 1000))


@pytest.mark.parametrize("type_, value, json", [("int", Decimal(5), b"5"), ("int?", None, b"null"), ("DateTimeOffset?", None, b"null")])
def test_a_result_that_csharp_reads_is_written(type_, value, json):
    one = Stage("work", lambda x: value, False, Codec())
    assert one.fit(0, {"Output": {"Type": type_}}) is None
    assert b"".join(one.work([(1, b"5")], 1000)) == done(1, [json])
