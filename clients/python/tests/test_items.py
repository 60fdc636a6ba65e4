"""The frames of a stage's worker, cut out of what a socket gave."""

import random
import struct

import pytest

from sluice import _items, _wire


def item(number, payload, traced=False):
    content = struct.pack("<q", number) + (struct.pack("<i", 3) + b"\x0c\0\0" if traced else b"") + payload
    return struct.pack("<iB", 1 + len(content), 7 if traced else 2) + content


ITEMS = [(1, b"abc"), (2, b""), (-(2**63), b"x" * 300), (3, b"\0" * 17)]
DATA = b"".join(item(number, payload, number == 3) for number, payload in ITEMS)


def test_items_split_at_every_byte():
    for at in range(len(DATA) + 1):
        reader = _items.ItemReader(1000)
        assert reader.feed(DATA[:at]) + reader.feed(DATA[at:]) == ITEMS
    reader = _items.ItemReader(1000)
    assert [one for byte in DATA for one in reader.feed(bytes((byte,)))] == ITEMS


@pytest.mark.parametrize("before", [b"", DATA])
@pytest.mark.parametrize("after", [b"", DATA])
@pytest.mark.parametrize("bad, said", [
    (struct.pack("<i", 0), "from 1 to"), (struct.pack("<i", -1), "from 1 to"), (struct.pack("<i", 1000 + 609), "from 1 to"),
    (struct.pack("<i", 2**31 - 1), "from 1 to"), (struct.pack("<iB", 1, 2), "cut off"), (struct.pack("<iB", 5, 2) + b"abcd", "cut off"),
    (struct.pack("<iBq", 9, 7, 1), "cut off"),
    (struct.pack("<iB", 1, 3), "of the kind 3"), (struct.pack("<iBq", 9, 3, 1), "of the kind 3")])
def test_what_is_no_item(before, after, bad, said):
    with pytest.raises(_wire.WireError, match=said):
        _items.ItemReader(1000).feed(before + bad + after)


def test_ten_thousand_damaged_streams_give_items_or_a_wire_error():
    random_ = random.Random(11)
    refused = 0
    for _ in range(10_000):
        data = bytearray(DATA)
        for _ in range(random_.randint(1, 4)):
            data[random_.randrange(len(data))] = random_.randrange(256)
        reader, at = _items.ItemReader(1000), random_.randrange(len(data))
        try:
            found = reader.feed(bytes(data[:at])) + reader.feed(bytes(data[at:]))
            assert len(found) <= len(data) // 13
        except _wire.WireError:
            refused += 1
    assert refused > 1_000


def test_a_long_item_in_small_pieces():
    data, reader = item(1, b"y" * (10 << 20)), _items.ItemReader(16 << 20)
    pieces = [data[at : at + (10 << 10)] for at in range(0, len(data), 10 << 10)]
    found = [one for piece in pieces for one in reader.feed(piece)]
    assert len(found) == 1 and found[0][0] == 1 and len(found[0][1]) == 10 << 20
