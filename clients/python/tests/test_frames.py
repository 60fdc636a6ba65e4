"""Frames and messages: their form, and what neither side may send. The rules of docs/internals/executor-protocol.md, one by one."""

import ast
import asyncio
import inspect
import socket
import struct

import pytest

from copies import go, worker
from fake_parent import LIMIT, SECRET, Parent, Stream, failure, number
from playing import until
from sluice import _link, _wire


def test_frames_split_at_every_byte():
    frames = [_wire.frame(1, b"abc"), _wire.frame(7), _wire.message(5, 36, b"x" * 300)]
    data = b"".join(frames)
    expected = [one[4:] for one in frames]
    for at in range(len(data) + 1):
        reader = _wire.FrameReader(1000)
        assert [*reader.feed(data[:at])] + [*reader.feed(data[at:])] == expected
    reader = _wire.FrameReader(1000)
    assert [frame for byte in data for frame in reader.feed(bytes((byte,)))] == expected


@pytest.mark.parametrize("length", [0, -1, -(2**31), 1001, 2**31 - 1])
def test_lengths_that_are_not_allowed(length):
    with pytest.raises(_wire.WireError, match="from 1 to 1,000 are allowed"):
        list(_wire.FrameReader(1000).feed(struct.pack("<i", length)))


def test_a_connection_split_at_every_byte():
    async def test(parent):
        send, data = parent.send, bytearray()
        parent.send = lambda frame: data.extend(struct.pack("<i", len(frame)) + frame)
        call = parent.call("copy", {"x": [1, 2, 3]}, ["y"])
        parent.send = send
        for byte in bytes(data):
            parent.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert await call.values() == {"y": [1, 2, 3]}

    go(test)


@pytest.mark.parametrize("parents, oldest, newest, chosen", [(None, 1, 1, 1), ("1", 1, 3, 1), ("2", 1, 3, 2), ("9", 1, 3, 3)])
def test_a_child_speaks_the_newest_version_that_both_know(parents, oldest, newest, chosen):
    assert _wire.choose_version(parents, oldest, newest) == chosen


@pytest.mark.parametrize("parents, oldest, newest, said", [
    (None, 2, 2, r"up to version 1, and the Python package sluice 0\.1\.0 speaks version 2\. Update the NuGet package Sluice of the"),
    ("1", 2, 4, r"speaks versions 2 to 4\. .* or install the package sluice of the service's version for this Python: .* -m pip install "
     r"\./clients/python, in a clone of Sluice's sources of that version$"),
    ("", 1, 1, "damaged"), ("-1", 1, 1, "damaged"), ("²", 1, 1, "damaged"), ("9" * 19, 1, 1, "damaged")])
def test_a_child_that_knows_no_version_of_its_parent_says_what_to_install(parents, oldest, newest, said):
    with pytest.raises(_wire.VersionError, match=said):
        _wire.choose_version(parents, oldest, newest)


def test_a_hello_has_the_version_that_the_child_speaks():
    token = _wire.Token("unused", SECRET, 1, 5)
    assert _wire.hello(token) == struct.pack("<iB", 50, 1) + SECRET + bytes(9) + number(5)


def test_the_form_of_a_token():
    text = "AB" * 32 + "01000000" + "/tmp/sluice-x/workers"
    token = _wire.Token.parse(text)
    assert token[:4] == ("/tmp/sluice-x/workers", b"\xab" * 32, 1 << 24, _wire.VERSION)
    assert "ab" * 8 not in repr(token).lower().replace("workers", "")
    for damaged in ("", "AB" * 36, text[1:], text.replace("AB", "XY", 1), "AB" * 32 + "00000000" + "/x", "AB" * 32 + "FFFFFFFF" + "/x"):
        with pytest.raises(ValueError, match="not a token") as found:
            _wire.Token.parse(damaged)
        assert "ABAB" not in str(found.value)


def expect_violation(capsys, act, text):
    """The child ends, with one line, and its functions are stopped."""
    async def inner():
        parent = Parent(worker)
        async with parent:
            await until(lambda: parent.hello)
            call = parent.call("copy", {"x": Stream(complete=False)}, ["y"])
            await until(lambda: 65 in call.log)
            await act(parent, call)
            with pytest.raises(ConnectionError):
                await call.result()
        assert parent.exit_code == 1

    asyncio.run(asyncio.wait_for(inner(), LIMIT))
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("A child process ends, because it was sent what it should not: ") and text in lines[0]


@pytest.mark.parametrize("frame, text", [
    (b"", "0 bytes"), (b"\x02abc", "a frame of the kind 2"), (b"\x20abc", "cut off"), (b"\x20" + number(1), "cut off"),
    (b"\x20" + number(1) + b"\x63", "a message of the kind 99"),
    (b"\x20" + number(1) + b"\x27" + number(5) + number(1) + number(1), "no stream 5"),
    (b"\x20" + number(1) + b"\x27" + number(0), "cut off"),
    (b"\x20" + number(1) + b"\x27" + number(0) + number(9) + number(9), "not on their way"),
    (b"\x20" + number(1) + b"\x26" + b"abc", "cut off"), (b"\x20" + number(1) + b"\x20{}", "a second plan"),
    (b"\x20" + number(9) + b"\x20{", "A plan cannot be read"), (b"\x20" + number(9) + b"\x20null", "A plan cannot be read"),
    (b"\x20" + number(1) + b"\x21abc", "Choices are cut off"),
    (b"\x20" + number(9) + b'\x20{"Run":"r","Processor":{"Name":"copy","Resume":"Sometimes"}}', "resumes Sometimes"),
])
def test_what_a_parent_must_not_send(capsys, frame, text):
    async def act(parent, call):
        parent.send(frame)

    expect_violation(capsys, act, text)


def test_an_oversized_frame(capsys):
    async def act(parent, call):
        parent.writer.write(struct.pack("<i", (16 << 20) + (2 << 20) + 1) + b"\x20")

    expect_violation(capsys, act, "from 1 to 18,874,368 are allowed")


def test_messages_of_an_ended_call_are_ignored():
    async def test(parent):
        call = parent.call("copy", {"x": [1]}, ["y"])
        await call.values()
        for kind in (33, 34, 35, 36, 38, 99):
            call.say(kind, b"x")
        assert await parent.call("copy", {"x": [2]}, ["y"]).values() == {"y": [2]}

    go(test)


def test_answers_to_unknown_questions_are_ignored():
    async def test(parent):
        call = parent.call("copy", {"x": [1]}, ["y"])
        call.say(36, number(77) + b"x")
        call.say(37, number(78) + failure())
        assert await call.values() == {"y": [1]}

    go(test)


def test_unknown_members_of_a_plan_are_skipped():
    async def test(parent):
        call = parent.call("copy", {"x": [1]}, ["y"], extra={"Later": {"a": 1}, "Trace": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
        assert await call.values() == {"y": [1]}

    go(test)


def test_headers_of_values_are_skipped():
    value = struct.pack("<qqi", 5, 1, 2) + b"42" + struct.pack("<i", 3) + b"\x0c\x00\x00"
    assert _wire.values(_wire.Content(b"\x03" + value + value)) == (True, [(5, b"42"), (5, b"42")])
    for at in range(1, len(value)):
        with pytest.raises(_wire.WireError):
            _wire.values(_wire.Content(b"\x03" + value[:at]))


class Collected:
    """A lock under which the garbage collector releases a reading once, at the n-th time it is taken."""

    def __init__(self, connection, at, data):
        self.lock, self.connection, self.at, self.data = connection._lock, connection, at, data

    def __enter__(self):
        assert self.lock.acquire(timeout=5), "it waits for itself"
        self.at -= 1
        if self.at == 0:
            self.connection.send(self.data)

    def __exit__(self, *_):
        self.lock.release()


@pytest.mark.parametrize("size", [5, 1 << 17])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_the_garbage_collector_may_send_in_the_midst_of_a_send(at, size):
    async def go():
        mine, its = socket.socketpair()
        connection = _link.Connection(1000, lambda frame: None)
        await asyncio.get_running_loop().create_connection(lambda: connection, sock=its)
        connection._lock = Collected(connection, at, b"c" * size)
        connection.send(b"a" * 70_000)
        connection.send(b"b" * 10)
        connection.close()
        reader, writer = await asyncio.open_connection(sock=mine)
        found = await asyncio.wait_for(reader.read(), LIMIT)
        writer.close()
        return found

    found = asyncio.run(go())
    assert (found.count(b"a"), found.count(b"b"), found.count(b"c")) == (70_000, 10, size)
    assert found.replace(b"c", b"") == b"a" * 70_000 + b"b" * 10


def test_nothing_is_called_under_the_lock_of_a_connection():
    """At a call, the garbage collector may release a reading, which sends."""
    locked = [node for node in ast.walk(ast.parse(inspect.getsource(_link.Connection)))
              if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "self._lock"]
    assert len(locked) == 2
    for call in (one for node in locked for one in ast.walk(node) if isinstance(one, ast.Call)):
        raise AssertionError(ast.unparse(call))
