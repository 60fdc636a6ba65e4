"""The mistakes of a function's author, and what the failure says."""

import asyncio
import datetime as dt
import decimal
import sys
from typing import List

import pytest

from fake_parent import Parent, Stream
from playing import fail, fails as failing, run
from sluice import IO, IOVal, IOWriter, SyncIO, Worker


def test_an_exception_comes_with_its_traceback():
    async def work(x: IO[int]):
        def inner():
            raise ValueError("no ink: ü")

        yield IOVal("y", 1)
        inner()

    found = failing(work)
    assert (found.kind, found.id, found.type, found.message) == (1, 0, "ValueError", "no ink: ü")
    assert found.details.startswith("Traceback") and "in inner" in found.details and "test_mistakes.py" in found.details
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
    ("DateTimeOffset", dt.datetime(2026, 1, 2), "the stream's type is DateTimeOffset: give it a zone, such as datetime.now(timezone.utc)"),
    ("DateTimeOffset?", dt.datetime(2026, 1, 2), "the stream's type is DateTimeOffset?: give it a zone"),
    ("int", decimal.Decimal("5.0"), "put out int(value)"), ("int", decimal.Decimal("NaN"), "put out int(value)"),
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


def test_a_loop_over_an_input_itself_is_told_how_it_is_written():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"], name="list")
    async def of_list(x: IO[int]):
        for value in x:
            yield IOVal("y", value)

    @worker.processor(inputs=["x"], outputs=["y"], name="async")
    async def of_async(x: IO[int]):
        async for value in x:
            yield IOVal("y", value)

    @worker.processor(inputs=["x"], outputs=["y"], name="plain")
    def of_plain(x: SyncIO[int]):
        yield from (IOVal("y", value) for value in x)

    for name, form in (("list", "async for"), ("async", "async for"), ("plain", "for")):
        assert f"The input x is a stream, and no list. Write: {form} value in x.stream()" in fail(worker, name, {"x": [1]}, ["y"]).message


def test_a_function_that_reads_nothing_completes():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def lazy(x: IO[int], y: IOWriter[int]):
        pass

    assert run(worker, "lazy", {"x": Stream([1], complete=False)}, ["y"]) == {"y": []}


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
    found = fail(worker, "work", {"text": [1], "rates": [2]}, ["y"])
    assert found.kind == 2 and "has the input rates in the flow, and not in Python, which would ignore its values" in found.message


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
