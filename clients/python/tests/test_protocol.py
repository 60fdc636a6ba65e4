"""The rules of docs/internals/executor-protocol.md, one by one, against a fake parent."""

import asyncio
import datetime as dt
import json
import random
import socket
import struct

import pytest

from fake_parent import LIMIT, SECRET, Parent, Stream, failure, number
from sluice import IO, Checkpoint, Context, FlowError, IOVal, IOWriter, SyncCheckpoint, SyncIO, SyncIOWriter, Worker, _link, _wire
from sluice._hash import chooser

worker = Worker()


@worker.processor(inputs=["x"], outputs=["y"])
async def copy(x: IO[int]):
    async for value in x.stream():
        yield IOVal("y", value)


@worker.processor(inputs=["x"], outputs=["y"])
def copy_plain(x: SyncIO[int], y: SyncIOWriter[int]):
    for value in x.stream():
        y.write(value)


@worker.processor(inputs=[], outputs=["y"])
async def flood(y: IOWriter[str], context: Context):
    for i in range(5000):
        await y.write("a" * 10)


@worker.processor(inputs=[], outputs=["y"])
def flood_plain(y: SyncIOWriter[str]):
    for i in range(5000):
        y.write("a" * 10)


def go(test, *arguments, **more):
    async def inner():
        async with Parent(worker, **more) as parent:
            return await test(parent, *arguments)

    return asyncio.run(asyncio.wait_for(inner(), 2 * LIMIT))


async def until(condition):
    async def wait():
        while not condition():
            await asyncio.sleep(0.001)

    await asyncio.wait_for(wait(), LIMIT)


# --- framing ---

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
    ("1", 2, 4, r"speaks versions 2 to 4\. .* or install the package sluice of the service's version for this Python: .* -m pip install"),
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
    assert token == ("/tmp/sluice-x/workers", b"\xab" * 32, 1 << 24, _wire.VERSION)
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


def test_ten_thousand_damaged_frames():
    """Each is taken, or ends the connection with a reason; never anything else."""
    random_ = random.Random(11)
    plan = json.dumps({"Run": "r", "Processor": {"Name": "copy", "Inputs": ["x"], "Outputs": ["y"]}, "Streams": [{"Name": "x"}]}).encode()
    good = [b"\x20" + number(1) + bytes((kind,)) + content for kind, content in [
        (32, plan), (33, bytes(26)), (35, b""), (36, number(1) + number(1) + number(1)),
        (36, number(2) + b"\0" + struct.pack("<qqi", 1, 1, 1)
         + b"5"), (37, number(1) + failure()), (38, failure()), (39, number(0) + number(1) + number(1))]]

    async def test():
        outcomes = {"taken": 0, "refused": 0}
        for _ in range(10_000):
            calls = _link.Calls(worker, _wire.Token("", SECRET, 1000))
            calls.take(b"\x20" + number(1) + b"\x20" + plan)
            frame = bytearray(random_.choice(good))
            for _ in range(random_.randint(0, 3)):
                at = random_.randrange(len(frame))
                if random_.random() < 0.5:
                    frame[at] = random_.randrange(256)
                else:
                    del frame[at : at + random_.randint(1, 9)]
                if not frame:
                    frame = bytearray(b"\x20")
            try:
                calls.take(bytes(frame))
                outcomes["taken"] += 1
            except _wire.WireError as e:
                assert str(e)
                outcomes["refused"] += 1
        return outcomes

    outcomes = asyncio.run(asyncio.wait_for(test(), LIMIT))
    assert outcomes["taken"] > 1000 and outcomes["refused"] > 1000


def test_damaged_bytes_while_a_function_runs(capsys):
    """Whole connections, over a socket: each ends, and never hangs."""
    random_ = random.Random(5)

    async def one():
        parent = Parent(worker)
        async with parent:
            call = parent.call("copy", {"x": [1, 2, 3]}, ["y"], begin=random_.random() < 0.9)
            for _ in range(random_.randint(1, 3)):
                await asyncio.sleep(0)
                parent.send(bytes(random_.choice([32, 32, 32, random_.randrange(256)]) for _ in range(1)) + number(random_.randint(0, 2))
                            + bytes((random_.randint(30, 42),)) + bytes(random_.randrange(256) for _ in range(random_.randint(0, 40))))
        assert parent.exit_code in (0, 1)

    async def all_():
        for _ in range(300):
            await one()

    asyncio.run(asyncio.wait_for(all_(), LIMIT))


# --- credit ---

@pytest.mark.parametrize("name", ["flood", "flood_plain"])
def test_no_more_than_512_values_without_credit(name):
    async def test(parent):
        call = parent.call(name, {}, ["y"], credit=False)
        await until(lambda: len(call.put["y"]) == 512)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(call.put["y"]) == 512
        call.give("y", 1, 12)
        await until(lambda: len(call.put["y"]) == 513)
        call.credit = True
        call.give("y")
        await call.values()
        assert len(call.put["y"]) == 5000 and call.most["y"] == 512

    go(test)


def test_no_more_than_256_kilobytes_and_one_value_without_credit():
    large = Worker()

    @large.processor(outputs=["y"])
    async def work(y: IOWriter[str]):
        for _ in range(10):
            await y.write("a" * 99_998)

    async def test():
        async with Parent(large) as parent:
            call = parent.call("work", {}, ["y"], credit=False)
            await until(lambda: len(call.put["y"]) == 3)
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(call.put["y"]) == 3
            call.credit = True
            call.give("y")
            await call.values()

    asyncio.run(test())


def test_each_output_has_its_own_credit():
    two = Worker()

    @two.processor(outputs=["full", "free"])
    async def work(full: IOWriter[int], free: IOWriter[int]):
        async def fill():
            for i in range(1000):
                await full.write(i)

        filling = asyncio.ensure_future(fill())
        for i in range(300):
            await free.write(i)
        await filling

    async def test():
        async with Parent(two) as parent:
            call = parent.call("work", {}, ["full", "free"], credit=False)
            await until(lambda: len(call.put["full"]) == 512 and len(call.put["free"]) == 300)
            call.credit = True
            call.give("full")
            await call.values()

    asyncio.run(test())


def test_many_writers_at_a_time():
    many = Worker()

    @many.processor(outputs=["y"])
    async def work(y: IOWriter[int]):
        await asyncio.gather(*[y.write(i) for i in range(3000)])

    async def test():
        async with Parent(many) as parent:
            call = parent.call("work", {}, ["y"])
            assert sorted((await call.values())["y"]) == list(range(3000))

    asyncio.run(test())


def test_a_fault_ends_all_writes():
    async def test(parent):
        call = parent.call("flood", {}, ["y"], credit=False)
        await until(lambda: len(call.put["y"]) == 512)
        call.say(38, failure(3, "another value was put out before", id=4, type="NondeterministicReplayException"))
        end = await call.failed()
        assert (end.id, end.kind, end.message) == (4, 3, "another value was put out before")

    go(test)


# --- failures that are passed on ---

def test_a_failed_stream_comes_back_by_its_number():
    async def test(parent):
        stream = Stream([1, 2], complete=False)
        call = parent.call("copy", {"x": stream}, ["y"])
        await until(lambda: len(call.put["y"]) == 2)
        stream.fail(failure(2, "no ink", id=9, processor="printer"))
        end = await call.failed()
        assert (end.id, end.kind, end.processor) == (9, 2, "printer")

    go(test)


def test_a_function_may_handle_a_failed_stream():
    handled = Worker()

    @handled.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        try:
            async for value in x.stream():
                yield IOVal("y", value)
        except FlowError as e:
            yield IOVal("y", f"{e.processor}: {e}")

    async def test():
        async with Parent(handled) as parent:
            call = parent.call("work", {"x": Stream([1], complete=False, failure=failure(2, "no ink", id=9, processor="printer"))}, ["y"])
            assert await call.values() == {"y": [1, "printer: no ink"]}

    asyncio.run(test())


# --- cancellation, and the end ---

cancelled = Worker()
seen = []


@cancelled.processor(inputs=["x"], outputs=["y"])
async def cleans(x: IO[int], context: Context):
    try:
        async for value in x.stream():
            yield IOVal("y", value)
    finally:
        seen.append(("cleaned", context.is_cancelled))


@cancelled.processor(inputs=["x"], outputs=["y"])
def cleans_plain(x: SyncIO[int], y: SyncIOWriter[int], context: Context):
    try:
        for value in x.stream():
            y.write(value)
    finally:
        seen.append(("cleaned", context.is_cancelled))


@cancelled.processor(inputs=["x"], outputs=["y"])
async def stubborn(x: IO[int], y: IOWriter[int]):
    try:
        async for value in x.stream():
            await y.write(value)
    except asyncio.CancelledError:
        await y.write(99)


@cancelled.processor(inputs=["x"], outputs=["y"])
def computes(context: Context, y: SyncIOWriter[int]):
    y.write(1)
    while True:
        context.raise_if_cancelled()


@cancelled.processor(inputs=["x"], outputs=["y"])
async def busy(context: Context, y: IOWriter[int]):
    while True:                                     # never waits for anything, and yet hears of its cancellation
        await y.write(1)


@pytest.mark.parametrize("name", cancelled.processors)
def test_a_cancelled_function_ends(name):
    async def test():
        async with Parent(cancelled) as parent:
            seen.clear()
            call = parent.call(name, {"x": Stream([1], complete=False)}, ["y"])
            await until(lambda: call.put["y"])
            call.cancel()
            end = await call.failed()
            assert (end.kind, end.details) == (4, "")
            assert 99 not in [json.loads(one) for one in call.put["y"]]
            assert seen == ([("cleaned", True)] if name.startswith("cleans") else [])

    asyncio.run(test())


def test_cancelled_before_it_begins():
    async def test(parent):
        call = parent.call("copy", {"x": Stream(complete=False)}, ["y"], begin=False)
        call.cancel()
        call.say(34)
        call.say(34)                                # a second begin is ignored
        assert (await call.failed()).kind == 4 and call.log == [73]

    go(test)


@pytest.mark.parametrize("name", ["cleans", "cleans_plain", "stubborn"])
def test_functions_are_stopped_when_the_parent_is_gone(name):
    async def test():
        seen.clear()
        parent = Parent(cancelled)
        async with parent:
            call = parent.call(name, {"x": Stream([1], complete=False)}, ["y"])
            await until(lambda: call.put["y"])
        assert parent.exit_code == 0
        assert seen == ([("cleaned", True)] if name.startswith("cleans") else [])

    asyncio.run(test())


def test_many_calls_at_a_time():
    async def test(parent):
        calls = [parent.call(name, {"x": range(500)}, ["y"]) for name in ["copy", "copy_plain"] * 20]
        for call in calls:
            assert await call.values() == {"y": list(range(500))}

    go(test)


def test_calls_that_wait_for_each_other():
    """One function reads what another one writes: none may keep the other from its thread."""
    async def test(parent):
        links = [Stream(complete=False) for _ in range(40)]
        calls = [parent.call("copy_plain", {"x": link}, ["y"]) for link in links]
        links[0].add(1)
        links[0].complete()
        for call, link in zip(calls, links[1:] + [Stream()]):
            link.add(*(await call.values())["y"])
            link.complete()
        assert (await calls[-1].values())["y"] == [1]

    go(test)


def test_a_slow_parent_gets_everything_in_order():
    async def test(parent):
        call = parent.call("copy", {"x": range(2000)}, ["y"], credit=False)
        while not call.ended.done():
            if call.unsaid["y"][0]:
                call.give("y", 1, call.unsaid["y"][1] if call.unsaid["y"][0] == 1 else 1)
            await asyncio.sleep(0)
        assert (await call.values())["y"] == list(range(2000))

    go(test)


# --- places, commits and resuming ---

def test_a_reader_says_its_place_with_each_read():
    async def test(parent):
        call = parent.call("copy", {"x": Stream(range(600), first=11)}, ["y"])
        await call.values()
        assert call.places[1] == (611, 611)
        assert call.opened == [("x", 0, 1, 0, 0, 0)]
        assert 69 not in call.log

    go(test)


def test_the_first_value_does_not_count():
    first = Worker()

    @first.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        yield IOVal("y", await x.first())

    async def test():
        async with Parent(first) as parent:
            call = parent.call("work", {"x": [1, 2, 3]}, ["y"])
            await call.values()
            assert call.opened == [("x", 0, 0, 0, 0, 0)] and call.places[1] == (2, 1) and call.released == [1]

    asyncio.run(test())


def test_a_loop_that_is_left_is_released():
    left = Worker()

    @left.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        async for value in x.stream():
            yield IOVal("y", value)
            break
        async for value in x.stream():
            yield IOVal("y", value)
            return

    async def test(resume):
        async with Parent(left) as parent:
            call = parent.call("work", {"x": [1, 2]}, ["y"], resume=resume)
            assert await call.values() == {"y": [1, 1]}
            assert 1 in call.released

    asyncio.run(test(None))
    asyncio.run(test("PerItem"))


@pytest.mark.parametrize("name", ["copy", "copy_plain"])
def test_per_item_says_place_and_reach_behind_each_item(name):
    async def test(parent):
        call = parent.call(name, {"x": [5, 6, 7]}, ["y"], resume="PerItem")
        await call.values()
        behind = [(places[1], put["y"]) for _, places, put in call.reaches]
        assert behind == [((1, 1), 0), ((2, 2), 1), ((3, 3), 2), ((4, 4), 3)]
        assert [may_wait for may_wait, _, _ in call.reaches] == [1, 0, 0, 1]

    go(test)


def test_two_loops_per_item_fail():
    loops = Worker()

    @loops.processor(inputs=["p", "q"], outputs=["y"])
    async def nested(p: IO[int], q: IO[int]):
        async for left in p.stream():
            try:
                async for right in q.stream():
                    yield IOVal("y", right)
            except FlowError:
                pass                                # the error stays

    @loops.processor(inputs=["p", "q"], outputs=["y"])
    async def behind(p: IO[int], q: IO[int]):
        async for one in p.stream():
            yield IOVal("y", one)
        async for one in q.stream():
            yield IOVal("y", one)

    async def test():
        async with Parent(loops) as parent:
            end = await parent.call("nested", {"p": [1], "q": [2]}, ["y"], resume="PerItem").failed()
            assert "reads q while it reads p. It resumes per item" in end.message
            assert await parent.call("behind", {"p": [1], "q": [2]}, ["y"], resume="PerItem").values() == {"y": [1, 2]}
            assert await parent.call("nested", {"p": [1], "q": [2]}, ["y"]).values() == {"y": [2]}

    asyncio.run(test())


saving = Worker()


@saving.processor(inputs=["x"], outputs=["y"])
async def sums(x: IO[int], y: IOWriter[int], state: Checkpoint[int]):
    total = state.value or 0
    async for value in x.stream():
        total += value
        await y.write(total)
        if value % 10 == 0:
            await state.save(total)
            assert state.has_value and state.value == total


@saving.processor(inputs=["x"], outputs=["y"])
def sums_plain(x: SyncIO[int], y: SyncIOWriter[int], state: SyncCheckpoint[int]):
    total = state.value or 0
    for value in x.stream():
        total += value
        y.write(total)
        if value % 10 == 0:
            state.save(total)


@pytest.mark.parametrize("name", saving.processors)
def test_checkpoints_and_resuming(name):
    async def test():
        async with Parent(saving) as parent:
            call = parent.call(name, {"x": range(1, 26)}, ["y"], resume="Checkpoint")
            await call.values()
            assert [(json.loads(state), places[1][0], put["y"]) for state, places, put in call.saved] == [(55, 11, 10), (210, 21, 20)]
            state, places, put = call.saved[-1]
            rest = parent.call(name, {"x": Stream(range(21, 26), first=21)}, ["y"], resume="Checkpoint", state=state, start=2)
            assert (await rest.values())["y"] == [231, 253, 276, 300, 325]
            end = await parent.call(name, {"x": []}, ["y"]).failed()
            assert "takes a Checkpoint, but the processor resumes FromScratch" in end.message
            end = await parent.call(name, {"x": []}, ["y"], resume="Checkpoint", state=b'"a"').failed()
            assert "saved state of the processor" in end.message
            refused = parent.call(name, {"x": [10]}, ["y"], resume="Checkpoint")
            refused.refuse_save = failure(2, "a state of 300,000 bytes", id=3)
            assert (await refused.failed()).id == 3

    asyncio.run(test())


choosing = Worker()


@choosing.processor(inputs=["p", "q"], outputs=["y"])
async def merges(p: IO[int], q: IO[int], context: Context):
    yield IOVal("y", context.now())
    async for name, value in p.as_available(q):
        yield IOVal("y", [name, value])
    async for value in p.stream("latest"):
        yield IOVal("y", value)


def choice(kind, number_, value):
    return struct.pack("<Biq", kind, number_, value)


def test_choices_are_told_and_replayed():
    async def test():
        async with Parent(choosing) as parent:
            call = parent.call("merges", {"p": [1, 2], "q": [7]}, ["y"])
            values = (await call.values())["y"]
            kinds = [kind for kind, _, _ in call.chosen]
            assert kinds == [4, 1, 1, 1, 1] and call.chosen[-1][2] == -1
            assert {who for kind, who, _ in call.chosen if kind == 1} == {chooser("p,q", 0)}
            assert call.opened[2] == ("p", 1, 1, chooser("p", 0), 0, 0)
            ticks = call.chosen[0][2]
            told = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=ticks // 10)
            assert abs(told - dt.datetime.now(dt.timezone.utc)) < dt.timedelta(minutes=1)

            order = chooser("p,q", 0)
            known = b"".join([choice(4, 0, 638000000000000000)] + [choice(1, order, one) for one in (1, 0, 0, -1)]
                             + [choice(2, chooser("p", 0), 2)])
            again = parent.call("merges", {"p": [1, 2, 3], "q": [7]}, ["y"], choices=known, start=2)
            assert (await again.values())["y"] == ["2022-09-28T22:13:20+00:00", ["q", 7], ["p", 1], ["p", 2], 2, 3]
            assert again.chosen == [] and again.opened[2] == ("p", 1, 1, chooser("p", 0), 1, 2)

            part = parent.call("merges", {"p": [1, 2], "q": [7]}, ["y"], choices=choice(1, order, 1), start=2)
            assert (await part.values())["y"][1] == ["q", 7] and len(part.chosen) == 4

            ended = parent.call("merges", {"p": [1], "q": []}, ["y"], choices=choice(1, order, 1), start=2)
            assert "ended before the value that was read" in (await ended.failed()).message

    asyncio.run(test())


def test_nothing_is_chosen_by_a_processor_that_does_not_resume_from_scratch():
    async def test():
        async with Parent(choosing) as parent:
            call = parent.call("merges", {"p": [1, 2], "q": [7]}, ["y"], resume="Checkpoint")
            await call.values()
            assert call.chosen == [] and call.opened[2] == ("p", 1, 1, 0, 0, 0)

    asyncio.run(test())


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
