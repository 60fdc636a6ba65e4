"""Stages of pipelines: the second chapter of docs/internals/executor-protocol.md, with real processes and sockets."""

import asyncio
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
from typing import List

import pytest

from sluice import Worker
from sluice._payloads import Codec
from sluice._stage import Stage
from stages import worker

SECRET = bytes(range(32))
HERE = pathlib.Path(__file__).parent
LIMIT = 60


class Pipeline:
    """The parent of a worker, with blocking sockets."""

    def __init__(self, directory, stage, module="stages", most=1 << 20, form=()):
        path = str(directory / "workers")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(LIMIT)
        self.listener.bind(path)
        self.listener.listen()
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)]),
               "SLUICE_WORKER": SECRET.hex() + f"{most:08X}" + path}
        self.process = subprocess.Popen([sys.executable, "-m", "sluice.worker", *self.arguments(module, stage, form)], env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.socket, _ = self.listener.accept()
        self.socket.settimeout(LIMIT)
        self.held = b""
        assert self.frame() == b"\x01" + SECRET + bytes(9) + b"\x01" + bytes(7)

    @staticmethod
    def arguments(module, stage, form):
        return [module, "--sluice-worker", stage, *form] if form else ["--sluice-worker", stage, module]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.listener.close()
        try:
            self.out, self.err = self.process.communicate(timeout=LIMIT)
        finally:
            self.process.kill()
        self.code = self.process.returncode

    def frame(self):
        while len(self.held) < 4 or len(self.held) < 4 + struct.unpack_from("<i", self.held)[0]:
            data = self.socket.recv(1 << 16)
            if not data:
                return None
            self.held += data
        (length,) = struct.unpack_from("<i", self.held)
        frame, self.held = self.held[4 : 4 + length], self.held[4 + length :]
        return frame

    def send(self, *items, kind=2):
        self.socket.sendall(b"".join(self.item(number, one, kind) for number, one in items))

    @staticmethod
    def item(number, value, kind=2):
        payload = value if isinstance(value, bytes) else json.dumps(value).encode()
        content = struct.pack("<q", number) + (struct.pack("<i", 3) + b"\x0c\0\0" if kind == 7 else b"") + payload
        return struct.pack("<iB", 1 + len(content), kind) + content

    def answers(self, count):
        found = {}
        for _ in range(count):
            frame = self.frame()
            kind, number, flag = struct.unpack_from("<BqB", frame)
            assert kind in (3, 4) and flag == 0 and number not in found
            parts, at = [], 10
            while at < len(frame):
                (length,) = struct.unpack_from("<i", frame, at)
                parts.append(frame[at + 4 : at + 4 + length])
                at += 4 + length
            found[number] = [json.loads(one) for one in parts] if kind == 3 else tuple(one.decode() for one in parts)
        return found


@pytest.mark.parametrize("stage, items, expected", [
    ("double", [1, 2, 3], [[2], [4], [6]]), ("words", ["a b", "", "ü"], [["a", "b"], [], ["ü"]]),
    ("halves", [1, 2, 3], [[0.5], [1.0], [1.5]]),
    ("later", [1, 2, 9], [[2], [3], [10]]), ("later_batch", [1, 2, 3], [[2], [3], [4]]), ("counts", [0, 2], [[], [0, 1]]),
])
def test_results(tmp_path, stage, items, expected):
    with Pipeline(tmp_path, stage) as pipeline:
        pipeline.send(*enumerate(items))
        pipeline.send((100, items[0]), kind=7)
        assert pipeline.answers(len(items) + 1) == {**dict(enumerate(expected)), 100: expected[0]}
    assert (pipeline.code, pipeline.out, pipeline.err) == (0, "", "")


@pytest.mark.parametrize("stage", ["double", "halves", "later", "later_batch"])
def test_an_item_that_fails_harms_no_other(tmp_path, stage):
    with Pipeline(tmp_path, stage) as pipeline:
        pipeline.send(*enumerate([1, 13, 3, "x", 5]))
        found = pipeline.answers(5)
        node, kind, message = found[1]
        assert (node, kind) == (stage, "ValueError") and message.startswith("thirteen\nTraceback") and "stages.py" in message
        assert found[3][1] == "PayloadError" and "expected an integer, found 'x'" in found[3][2]
        assert all(isinstance(found[number], list) for number in (0, 2, 4))
        pipeline.send((9, 2))
        assert isinstance(pipeline.answers(1)[9], list)


def test_batches(tmp_path):
    with Pipeline(tmp_path, "sizes") as pipeline:
        pipeline.send(*enumerate(range(7)))
        found = pipeline.answers(7)
        assert max(one for one, in found.values()) <= 3
    (tmp_path / "b").mkdir()
    with Pipeline(tmp_path / "b", "wrong") as pipeline:
        pipeline.send((1, 1))
        assert "has returned 0 results for 1 item:" in pipeline.answers(1)[1][2]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("keep, said", [(-1, "2 results for 3 items"), (0, "0 results for 3 items")])
def test_too_few_results_are_told_with_the_numbers_of_the_list_and_without_a_traceback(is_async, keep, said):
    def short(xs: List[int]) -> List[int]:
        return xs[:keep]

    async def later_short(xs: List[int]) -> List[int]:
        return xs[:keep]

    stage = Stage("short", later_short if is_async else short, True, Codec())
    items = [(number, b"1") for number in range(3)]
    answers = [asyncio.run(stage.work_async(items, 1000))] if is_async else stage.work(items, 1000)
    text = b"".join(answers).decode("latin-1")
    assert text.count(f"has returned {said}: return a list with one result for each") == 3
    assert "Traceback" not in text and "_stage.py" not in text


@pytest.mark.parametrize("is_async", [False, True])
def test_the_failure_of_an_item_alone_has_no_traceback_of_the_list(is_async):
    def fails(xs: List[int]) -> List[int]:
        raise ValueError(f"of {len(xs)}")

    async def later_fails(xs: List[int]) -> List[int]:
        return fails(xs)

    stage = Stage("fails", later_fails if is_async else fails, True, Codec())
    items = [(1, b"1"), (2, b"2")]
    answers = [asyncio.run(stage.work_async(items, 10000))] if is_async else stage.work(items, 10000)
    text = b"".join(answers).decode("latin-1")
    assert text.count("Traceback") == 2 and "of 2" not in text and "During handling" not in text


def test_results_that_cannot_be_sent(tmp_path):
    with Pipeline(tmp_path, "bad_result") as pipeline:
        pipeline.send((1, 1))
        assert "The result 0 (from 0), of the type dict, cannot be written: nan" in pipeline.answers(1)[1][2]
    (tmp_path / "b").mkdir()
    with Pipeline(tmp_path / "b", "large", most=1000) as pipeline:
        pipeline.send((1, 995), (2, 994))
        found = pipeline.answers(2)
        assert "1,001 bytes, and 1,000 are allowed" in found[1][2] and found[2] == ["a" * 994]


@pytest.mark.parametrize("name", ["endless", "endless_async"])
def test_a_generator_without_an_end_is_stopped_at_the_limit(tmp_path, name):
    with Pipeline(tmp_path, name, most=1000) as pipeline:
        pipeline.send((1, 7))
        assert "The first 201 results of the item have 1,005 bytes, and 1,000 are allowed" in pipeline.answers(1)[1][2]


@pytest.mark.parametrize("stage, module, text", [
    ("dubble", "stages", 'There is no stage "dubble". Near it: double'), ("x", "absent", "No module named 'absent'")])
def test_a_worker_that_cannot_do_the_work_refuses(tmp_path, stage, module, text):
    with Pipeline(tmp_path, stage, module) as pipeline:
        pipeline.send((1, 1))
        frame = pipeline.frame()
        assert frame[0] == 5 and text in frame[5:].decode()
    assert pipeline.code == 1


@pytest.mark.parametrize("stage", ["double", "later"])
@pytest.mark.parametrize("bad", [b"\0\0\0\0", struct.pack("<iB", 1, 3), struct.pack("<i", 1 << 30), struct.pack("<iB", 5, 2) + b"abcd"])
def test_what_a_pipeline_must_not_send(tmp_path, stage, bad):
    with Pipeline(tmp_path, stage) as pipeline:
        pipeline.socket.sendall(bad)
        frame = pipeline.frame()
        assert frame is None or frame[0] == 6
    assert pipeline.code == 1


def test_ten_thousand_items_in_pieces_of_any_size(tmp_path):
    random_ = random.Random(3)
    data = b"".join(Pipeline.item(number, number * 20) for number in range(10_000))
    with Pipeline(tmp_path, "double") as pipeline:
        at, found = 0, {}
        while at < len(data):
            piece = random_.choice([1, 7, 100, 5000])
            pipeline.socket.sendall(data[at : at + piece])
            at += piece
        assert pipeline.answers(10_000) == {number: [number * 40] for number in range(10_000)}


@pytest.mark.parametrize("stage, form, text", [
    ("halves", ["--sluice-items"], "the stage halves gets a list of items. Use Python.Batch"),
    ("double", ["--sluice-batch", "5"], "the stage double gets one item. Use Python.Map"),
])
def test_a_function_of_another_form_is_refused(tmp_path, stage, form, text):
    with Pipeline(tmp_path, stage, form=form) as pipeline:
        frame = pipeline.frame()
        assert frame[0] == 5 and text in frame[5:].decode()
    assert pipeline.code == 1


@pytest.mark.parametrize("stage, form, most", [("sizes", ["--sluice-batch", "2"], 2), ("sizes", ["--sluice-batch", "9"], 3),
                                               ("double", ["--sluice-items"], 14)])
def test_the_pipeline_says_how_long_lists_are(tmp_path, stage, form, most):
    with Pipeline(tmp_path, stage, form=form) as pipeline:
        pipeline.send(*enumerate(range(8)))
        assert max(one for one, in pipeline.answers(8).values()) == most


def test_answers_of_slow_items_do_not_wait_for_later_ones(tmp_path):
    with Pipeline(tmp_path, "double_slowly") as pipeline:
        pipeline.send((1, 1), (2, 2), (3, 14))
        assert pipeline.answers(2) == {1: [2], 2: [4]}
        assert pipeline.frame() is None
    assert pipeline.code == 9


@pytest.mark.parametrize("stage", ["double_slowly", "doubles_slowly"])
def test_a_parent_that_goes_while_items_are_worked_on(tmp_path, stage):
    with Pipeline(tmp_path, stage) as pipeline:
        pipeline.send(*enumerate([1] * 50))
        assert pipeline.frame()[0] == 3
    assert (pipeline.code, pipeline.err) == (0, "")


def test_a_failure_has_the_end_of_a_long_traceback(tmp_path):
    with Pipeline(tmp_path, "deep") as pipeline:
        pipeline.send((1, 100))
        node, kind, message = pipeline.answers(1)[1]
        assert message.startswith("at the bottom\n…") and message.endswith("ValueError: at the bottom") and len(message) < 3_100


@pytest.mark.parametrize("stage", ["ends", "ends_later", "ends_lists"])
def test_what_would_end_a_program_fails_its_item_only(tmp_path, stage):
    with Pipeline(tmp_path, stage) as pipeline:
        pipeline.send(*[(x, x) for x in range(8)])
        found = pipeline.answers(8)
    assert [found[x] for x in (0, 7)] == [[0], [7]]
    assert [found[x][1] for x in range(1, 7)] == ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError", "RecursionError",
                                                  "MemoryError"]
    assert "sys.exit(3)" in found[1][2] and (pipeline.code, pipeline.out) == (0, "") and "printed by a stage" in pipeline.err


def test_a_process_that_dies(tmp_path):
    with Pipeline(tmp_path, "double") as pipeline:
        pipeline.send((1, 14))
        assert pipeline.frame() is None
    assert pipeline.code == 9


def test_a_stage_by_hand():
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    found = subprocess.run([sys.executable, "-m", "sluice.worker", "--sluice-worker", "a", "stages"], env=env,
                           capture_output=True, text=True)
    assert found.returncode == 2 and "that a pipeline starts by itself" in found.stderr and found.stderr.count("\n") == 1


def test_mistakes_of_a_registration():
    def two(a, b): ...
    def none(): ...
    def items(xs: int): ...
    def lists(xs: list): ...
    def yields(xs): yield

    for function, text, more in [(two, "has 2 parameters", {}), (none, "has 0 parameters", {}), (lists, "List", {"batch": True}),
                                 (items, "List", {"batch": True}), (yields, "it has a yield", {"batch": True})]:
        with pytest.raises(TypeError, match=text):
            Worker().stage(**more)(function)
    with pytest.raises(ValueError, match="at least 1"):
        Worker().stage(batch=0)(items)
    with pytest.raises(ValueError, match="registered twice"):
        worker.stage(name="double")(items)
    assert "double" in worker.stages
