"""The four forms of functions, inputs, outputs, and the mistakes of their authors."""

import asyncio
import sys
from typing import Any, AsyncIterator, Dict, List, Optional

import pytest

from fake_parent import Parent, Stream
from sluice import IO, Checkpoint, Context, IOVal, IOWriter, PayloadError, SyncIO, SyncIOWriter, Worker


def run(worker, processor, inputs, outputs, **more):
    async def go():
        async with Parent(worker) as parent:
            return await parent.call(processor, inputs, outputs, **more).values()

    return asyncio.run(go())


def fail(worker, processor, inputs, outputs, **more):
    async def go():
        async with Parent(worker) as parent:
            return await parent.call(processor, inputs, outputs, **more).failed()

    return asyncio.run(go())


async def count(n):
    for i in range(n):
        yield i


def test_the_example_of_the_readme():
    worker = Worker()

    @worker.processor(inputs=["a"], outputs=["b", "c"])
    async def foo(a: IO[int]) -> AsyncIterator[IOVal[int]]:
        n = await a.first()
        yield IOVal("b", sum(range(n)))
        async for i in count(n):
            yield IOVal("c", i)

    assert run(worker, "foo", {"a": [5]}, ["b", "c"]) == {"b": [10], "c": [0, 1, 2, 3, 4]}


def test_all_forms_of_functions():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def generator(x: IO[int]):
        async for value in x.stream():
            yield IOVal("y", value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def writes(x: IO[int], y: IOWriter[int]) -> None:
        async for value in x.stream():
            await y.write(value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    def plain_generator(x: SyncIO[int]):
        for value in x.stream():
            yield IOVal("y", value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    def plain(x: IO[int], y: IOWriter[int]):          # the plain forms are given
        for value in x.stream():
            y.write(value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def by_names(x, y, context):
        assert context.run == "r1" and context.processor == "by_names" and context.attempt == 3 and context.start == 2
        async for value in x.stream():
            await y.write(value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def by_context(context: Context):
        async for value in context.input("x", int).stream():
            await context.output("y").write(value + 1)

    for name in worker.processors:
        values = list(range(1000))
        assert run(worker, name, {"x": values}, ["y"], attempt=3, start=2) == {"y": [i + 1 for i in values]}, name


def test_results_of_functions():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def one(x: IO[int]) -> int:
        return await x.first() * 2

    @worker.processor(inputs=["x"], outputs=["y"])
    def plain_one(x: SyncIO[int]) -> int:
        return x.first() * 2

    @worker.processor(inputs=["x"], outputs=["y"])
    async def none(x: IO[int]):
        pass

    @worker.processor(inputs=["x"], outputs=["y"])
    async def optional(x: IO[int]) -> Optional[int]:
        return None

    @worker.processor(inputs=["x"], outputs=["y"])
    async def many(x: IO[int]):
        return [IOVal("y", 1), IOVal("y", 2)]

    @worker.processor(inputs=["x"], outputs=["y"])
    async def numbers(x: IO[int]):
        return [1, 2]

    assert run(worker, "one", {"x": [4]}, ["y"]) == {"y": [8]}
    assert run(worker, "plain_one", {"x": [4]}, ["y"]) == {"y": [8]}
    assert run(worker, "none", {"x": [4]}, ["y"]) == {"y": []}
    assert run(worker, "optional", {"x": [4]}, ["y"]) == {"y": [None]}
    assert run(worker, "many", {"x": [4]}, ["y"]) == {"y": [1, 2]}
    assert run(worker, "numbers", {"x": [4]}, ["y"]) == {"y": [[1, 2]]}


def test_streams_together():
    worker = Worker()

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def pairs(p: IO[int], q: IO[str], context: Context):
        async for left, right in p.stream_with(q):
            yield IOVal("y", [left, right])
        async for left, right in p.stream_with(q, pad=True):
            yield IOVal("y", [left, right])
        async for left, right in p.stream_with(q, pad=True, fill="-"):
            yield IOVal("y", [left, right])

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    def plain_pairs(p: SyncIO[int], q: SyncIO[str]):
        for left, right in p.stream_with(q, pad=True):
            yield IOVal("y", [left, right])

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def merged(p: IO[int], q: IO[int]):
        async for name, value in p.as_available(q):
            yield IOVal("y", [name, value])

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    def plain_merged(p: SyncIO[int], q: SyncIO[int]):
        for name, value in p.as_available(q):
            yield IOVal("y", [name, value])

    short, padded = [[1, "a"], [2, "b"]], [[1, "a"], [2, "b"], [3, None]]
    given = {"p": [1, 2, 3], "q": ["a", "b"]}
    assert run(worker, "pairs", given, ["y"])["y"] == short + padded + short + [[3, "-"]]
    assert run(worker, "plain_pairs", given, ["y"])["y"] == padded
    for name in ("merged", "plain_merged"):
        found = run(worker, name, {"p": list(range(700)), "q": list(range(1000, 1300))}, ["y"])["y"]
        assert [value for where, value in found if where == "p"] == list(range(700))
        assert [value for where, value in found if where == "q"] == list(range(1000, 1300))


def test_a_merge_takes_what_is_there_while_another_stream_waits():
    worker = Worker()

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def merged(p: IO[int], q: IO[int]):
        async for name, value in p.as_available(q):
            yield IOVal("y", name)

    async def go():
        async with Parent(worker) as parent:
            slow = Stream(complete=False)
            call = parent.call("merged", {"p": slow, "q": [1, 2, 3]}, ["y"])
            while len(call.put["y"]) < 3:
                await asyncio.sleep(0)
            slow.add(1)
            slow.complete()
            assert (await call.values())["y"] == ["q", "q", "q", "p"]

    asyncio.run(go())


def test_several_readers_see_all_values():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def twice(x: IO[int], y: IOWriter[int]):
        async def read():
            total = 0
            async for value in x.stream():
                total += value
            return total

        for total in await asyncio.gather(*[read() for _ in range(5)]):
            await y.write(total)
        await y.write(await x.first())
        assert x.is_complete

    assert run(worker, "twice", {"x": list(range(600))}, ["y"]) == {"y": [sum(range(600))] * 5 + [0]}


def test_places_of_a_stream():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def latest(x: IO[int]):
        async for value in x.stream("latest"):
            yield IOVal("y", value)
        async for value in x.stream("new"):
            yield IOVal("y", value)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def wrong(x: IO[int]):
        async for value in x.stream("last"):
            yield IOVal("y", value)

    assert run(worker, "latest", {"x": [1, 2, 3]}, ["y"]) == {"y": [3]}
    assert '"first", "latest" or "new"' in fail(worker, "wrong", {"x": [1]}, ["y"]).message


def test_a_time_limit_around_one_value_loses_nothing():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def patient(x: IO[int]):
        values = x.stream().__aiter__()
        while True:
            try:
                value = await asyncio.wait_for(values.__anext__(), 0.01)
            except asyncio.TimeoutError:
                yield IOVal("y", -1)
                continue
            except StopAsyncIteration:
                return
            yield IOVal("y", value)

    async def go():
        async with Parent(worker) as parent:
            stream = Stream([1], complete=False)
            call = parent.call("patient", {"x": stream}, ["y"])
            while len(call.put["y"]) < 3:
                await asyncio.sleep(0.001)
            stream.add(2)
            stream.complete()
            found = (await call.values())["y"]
            assert [value for value in found if value >= 0] == [1, 2] and found.count(-1) >= 2
            assert call.log.count(65) <= 4                    # one question, however often the function has waited

    asyncio.run(go())


def test_a_hundred_thousand_items():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def double(x: IO[int]):
        async for value in x.stream():
            yield IOVal("y", value * 2)

    async def go():
        async with Parent(worker) as parent:
            call = parent.call("double", {"x": range(100_000)}, ["y"])
            assert (await call.values())["y"] == [i * 2 for i in range(100_000)]
            assert call.most["y"] <= 512

    asyncio.run(go())


# --- mistakes ---

def failing(function, inputs=("x",), outputs=("y", "words"), **more):
    worker = Worker()
    worker.processor(inputs=inputs, outputs=outputs, name="work")(function)
    return fail(worker, "work", {name: [1, 2] for name in inputs}, outputs, **more)


def test_an_exception_comes_with_its_traceback():
    async def work(x: IO[int]):
        def inner():
            raise ValueError("no ink: ü")

        yield IOVal("y", 1)
        inner()

    found = failing(work)
    assert (found.kind, found.id, found.type, found.message) == (1, 0, "ValueError", "no ink: ü")
    assert found.details.startswith("Traceback") and "in inner" in found.details and "test_functions.py" in found.details
    assert "_link.py" not in found.details and "_function.py" not in found.details


def test_a_plain_function_fails_with_its_traceback():
    def work(x: SyncIO[int]):
        list(x.stream())
        return {}["ink"]

    found = failing(work)
    assert found.type == "KeyError" and "in work" in found.details and "_function.py" not in found.details


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
@pytest.mark.parametrize("plain", [False, True])
def test_what_would_end_a_program_fails_the_function_only(error, plain):
    async def work(x: IO[int]):
        raise error

    def plain_work(x: SyncIO[int]):
        raise error

    found = failing(plain_work if plain else work)
    assert found.kind == 1 and found.type == type(error).__name__
    if isinstance(error, SystemExit):
        assert "sys.exit(3)" in found.message
    if isinstance(error, asyncio.CancelledError):
        assert "by its own code" in found.message


def test_a_text_that_cannot_be_made_and_a_long_one():
    class Bad(Exception):
        def __str__(self):
            raise RuntimeError("no")

    async def work(x: IO[int]):
        raise Bad()

    assert failing(work).message == "(its text cannot be made)"

    async def long(x: IO[int]):
        raise ValueError("ü" * 100_000)

    found = failing(long)
    assert len(found.message) == 8193 and found.message.endswith("ü…") and len(found.details) <= 16 << 10


def test_an_unknown_output_is_named_with_its_neighbours():
    async def work(x: IO[int]):
        yield IOVal("word", 1)

    found = failing(work)
    assert found.kind == 2 and 'no output "word"' in found.message and "Near it: words" in found.message


def test_a_bare_value_is_explained():
    async def work(x: IO[int]):
        yield 5

    assert "yield IOVal('y', value)" in failing(work).message

    async def returns(x: IO[int]):
        return 5

    assert "the value of a single output; it has y, words" in failing(returns).message

    def awaits(x: SyncIO[int]):
        async def inner():
            pass

        return inner()

    assert "Make it async" in failing(awaits).message


def test_a_value_that_cannot_be_written_is_named():
    async def work(x: IO[int]):
        yield IOVal("y", 1)
        yield IOVal("y", {"a": [1, float("nan")]})

    found = failing(work)
    assert found.kind == 5
    assert "The value 1 (from 0) of the output y of the processor work" in found.message and "(at $.a[1])" in found.message


@pytest.mark.parametrize("kind, value, text", [
    ("int", 2**31, "the stream's type is int, from -2,147,483,648 to"), ("byte", -1, "from 0 to 255"), ("int", 2.0, "put out int(value)"),
    ("int", "5", "the stream's type is int"), ("int", None, "which has no null"), ("bool", 1, "the stream's type is bool"),
    ("string", 5, "the stream's type is string"), ("ulong", 2**64, "from 0 to 18,446"),
])
def test_a_value_that_its_stream_cannot_have_is_refused_where_it_is_written(kind, value, text):
    async def work(x: IO[int]):
        yield IOVal("y", value)

    assert text in failing(work, types={"y": kind}).message


@pytest.mark.parametrize("kind, value", [("int", -(2**31)), ("double", 5), ("int?", None), ("string", None), ("Order", 5),
    ("decimal", 1.5)])
def test_a_value_that_its_stream_may_have(kind, value):
    worker = Worker()

    @worker.processor(inputs=[], outputs=["y"])
    async def work():
        yield IOVal("y", value)

    assert run(worker, "work", {}, ["y"], types={"y": kind}) == {"y": [value]}


def test_a_value_that_is_not_of_the_annotated_type_is_named():
    async def work(x: IO[List[str]]):
        async for _ in x.stream():
            pass

    found = failing(work)
    assert found.kind == 5 and "The value 1 of the input x of the processor work" in found.message and "found 1" in found.message


def test_a_type_that_the_stream_has_not_is_an_error_at_the_start():
    async def work(x: IO[str]):
        yield IOVal("y", 1)

    assert "has values of the type int; the function of the processor work in Python reads str" in failing(work, types={"x": "int"}).message


def test_a_value_that_is_too_large():
    worker = Worker()

    @worker.processor(inputs=[], outputs=["y"])
    async def work():
        yield IOVal("y", "a" * 1000)

    async def go():
        async with Parent(worker, max_payload=1000) as parent:
            return await parent.call("work", {}, ["y"]).failed()

    found = asyncio.run(go())
    assert found.kind == 5 and "it has 1,002 bytes, and 1,000 are allowed" in found.message


def test_a_function_that_reads_nothing_completes():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def lazy(x: IO[int], y: IOWriter[int]):
        pass

    assert run(worker, "lazy", {"x": Stream([1], complete=False)}, ["y"]) == {"y": []}


@pytest.mark.filterwarnings("ignore:coroutine")
def test_writes_that_were_not_awaited_fail_the_function():
    async def forgotten(x: IO[int], y: IOWriter[int]):
        y.write(1)

    assert "1 write to y had not ended. Await every write" in failing(forgotten).message

    async def left_behind(x: IO[int], y: IOWriter[int]):
        for i in range(600):
            asyncio.ensure_future(y.write(i))

    assert "writes to y had not ended" in failing(left_behind, credit=False).message


def test_a_write_after_the_return_is_refused(capsys):
    kept = []

    async def work(x: IO[int], y: IOWriter[int]):
        kept.append(y)

    worker = Worker()
    worker.processor(inputs=["x"], outputs=["y"])(work)

    async def go():
        async with Parent(worker) as parent:
            await parent.call("work", {"x": [1]}, ["y"]).values()
            with pytest.raises(Exception, match="has ended"):
                await kept[0].write(1)

    asyncio.run(go())


def test_an_unknown_processor():
    worker = Worker()
    worker.processor(inputs=["x"], outputs=["y"], name="words")(lambda x: None)
    found = fail(worker, "word", {"x": [1]}, ["y"])
    assert found.kind == 2 and 'no processor "word". Near it: words' in found.message


def test_a_flow_that_differs_from_the_registration():
    worker = Worker()

    @worker.processor(inputs=["text"], outputs=["y"])
    async def work(text: IO[int]):
        pass

    assert "has the input text, and in the flow it does not" in fail(worker, "work", {"texts": [1]}, ["y"]).message


def test_an_empty_stream_has_no_first_value():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        await x.first()

    assert "complete and empty" in fail(worker, "work", {"x": []}, ["y"]).message


def registering(function, error, text, inputs=("x",), outputs=("y",)):
    with pytest.raises(error, match=text):
        Worker().processor(inputs=inputs, outputs=outputs, name="work")(function)


def test_mistakes_of_a_registration():
    async def misnamed(z: IO[int]): ...
    registering(misnamed, TypeError, 'no input "z"')

    async def unwrapped(x: int): ...
    registering(unwrapped, TypeError, r"Annotate it IO\[int\]")

    async def blocking(x: SyncIO[int]): ...
    registering(blocking, TypeError, "would block all others")

    async def unreadable(x: IO[asyncio.Event]): ...
    registering(unreadable, TypeError, "make it a dataclass")

    async def unknown(x: IO[int], shop): ...
    registering(unknown, TypeError, "shop is neither an input")

    async def fine(x: IO[int], shop=None): ...
    Worker().processor(inputs=["x"])(fine)
    registering(fine, ValueError, "x twice", inputs=["x", "x"])
    registering(fine, TypeError, "a list of names", inputs="x")
    with pytest.raises(TypeError, match="parentheses"):
        Worker().processor(fine)
    worker = Worker()
    worker.processor(inputs=["x"])(fine)
    with pytest.raises(ValueError, match="registered twice"):
        worker.processor(inputs=["x"])(fine)


@pytest.mark.skipif(sys.version_info >= (3, 10), reason="X | Y exists")
def test_a_new_form_of_union_on_an_old_python():
    async def work(x: "IO[int | None]"): ...
    registering(work, TypeError, "needs Python 3.10")


def test_blocking_calls_in_an_async_function_are_refused():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        x._input.call.wait_for(x.first())

    assert "on the thread that receives" in fail(worker, "work", {"x": [1]}, ["y"]).message
