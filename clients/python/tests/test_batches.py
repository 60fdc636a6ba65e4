"""Lists of items that fail, and what is left of them when the pipeline or a task of the function ends."""

import asyncio
import os
from typing import List

import pytest

from sluice._payloads import Codec
from sluice._stage import Stage
from test_stages import Pipeline


@pytest.mark.parametrize("stage", ["doubles_in_place", "doubles_in_place_later"])
def test_a_list_that_fails_is_given_again_as_it_came(tmp_path, stage):
    items = [{"amount": 1}, {"amount": 10}, {"amount": 5, "bad": True}]
    with Pipeline(tmp_path, stage) as pipeline:
        pipeline.send(*enumerate(items))
        found = pipeline.answers(3)
    assert [found[at] for at in (0, 1)] == [[{"amount": 2, "bad": False}], [{"amount": 20, "bad": False}]]
    assert found[2][1] == "ValueError"


def test_a_list_that_the_end_of_the_pipeline_cancels_is_not_given_again(tmp_path):
    with Pipeline(tmp_path, "hangs_lists") as pipeline:
        pipeline.send((1, 1), (2, 2))
        while True:                                 # the function has been called
            if "called with" in pipeline.process.stderr.readline():
                break
    assert (pipeline.code, pipeline.err) == (0, "")


def test_an_exit_in_a_task_of_an_async_stage_fails_its_item_only(tmp_path):
    with Pipeline(tmp_path, "exits_in_a_task") as pipeline:
        pipeline.send((1, 1), (2, 13), (3, 3))
        found = pipeline.answers(3)
        assert (found[1], found[3]) == ([1], [3]) and found[2][1] == "SystemExit"
        pipeline.send((4, 4))
        assert pipeline.answers(1) == {4: [4]}
    assert pipeline.code == 0


def test_answers_do_not_wait_for_a_slow_item_behind_them(tmp_path):
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    with Pipeline(tmp_path, "waits_for") as pipeline:
        for first in (0, 10):                       # the second time, the thread that sends them is there
            pipeline.send((first + 1, ""), (first + 2, ""), (first + 3, pipe), (first + 4, ""))
            assert pipeline.answers(2) == {first + 1: [""], first + 2: [""]}
            open(pipe, "w").close()
            assert pipeline.answers(2) == {first + 3: [pipe], first + 4: [""]}
    assert (pipeline.code, pipeline.err) == (0, "")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_list_of_items_that_cannot_be_read_does_not_reach_the_function(is_async):
    calls = []

    def plain(items: List[int]) -> List[int]:
        calls.append(items)
        return items

    async def later(items: List[int]) -> List[int]:
        return plain(items)

    stage = Stage("numbers", later if is_async else plain, True, Codec())
    items = [(1, b'"a"'), (2, b'"b"')]
    found = asyncio.run(stage.work_async(items, 1000)) if is_async else b"".join(stage.work(items, 1000))
    assert calls == [] and found.count(b"cannot be read") == 2
