"""The snippets of README.md, as they stand there."""

import dataclasses
import datetime as dt
import json
import pathlib
import re
import sys
import types
from decimal import Decimal

import pytest

try:
    import celery                                 # an optional dependency
except ImportError:
    celery = None

from playing import run
from sluice import PayloadError
from sluice._payloads import Codec

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text()


@pytest.fixture(scope="module")
def module():
    """All snippets, executed one after the other as one module."""
    class Model:
        def encode(self, texts):
            class Found:
                def tolist(self):
                    return [[float(len(text))] for text in texts]

            return Found()

    made = sys.modules["words_of_the_readme"] = types.ModuleType("words_of_the_readme")
    names = vars(made)
    names["model"] = Model()
    for snippet in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        if "celery" not in snippet or celery is not None:
            exec(compile(snippet, "README.md", "exec"), names)
    return names


def test_its_functions_do_what_it_says(module):
    worker = module["worker"]
    assert run(worker, "split", {"line": ["a b", "c"]}, ["word", "count"]) == {"word": ["a", "b", "c"], "count": [3]}
    assert run(worker, "generator", {"a": [4]}, ["b", "c"]) == {"b": [6], "c": [0, 1, 2, 3]}
    for name in ("writer", "plain_generator"):
        assert run(worker, name, {"a": [1, 2]}, ["b"]) == {"b": [2, 4]}
    assert run(worker, "total", {"a": [1, 2]}, ["b"]) == {"b": [3]}
    found = run(worker, "both", {"left": [1, 2], "right": ["a"]}, ["pair", "any"])
    assert found["pair"] == [[1, "a"], [2, None]] and sorted(found["any"]) == [["left", 1], ["left", 2], ["right", "a"]]
    assert run(worker, "sums", {"number": [5, 10]}, ["sum"], resume="Checkpoint") == {"sum": [5, 15]}
    assert run(worker, "long_work", {"size": [4]}, ["result"]) == {"result": [6]}


def test_its_test_passes(module):
    module["test_split"]()


def test_its_stages_are_still_functions(module):
    assert module["length"]("abc") == 3 and list(module["split_words"]("a b")) == ["a", "b"] and module["embed"](["ab"]) == [[2.0]]
    assert module["worker"].stages == ["length", "words", "embed"]
    order = module["Order"]("a", Decimal(10), dt.datetime(2026, 1, 2))
    assert module["discount"](order).price == Decimal("9.0")
    codec = Codec(names=module["pascal_case"])
    assert json.loads(codec.write(order)) == {"UserName": "a", "Price": 9.0, "At": "2026-01-02T00:00:00", "Note": None, "ID": 0}
    assert dataclasses.asdict(codec.reader(module["Order"])(codec.write(order))) == dataclasses.asdict(order)
    with pytest.raises(PayloadError, match="members of Order are missing: user_name, price, at. It has UserName"):
        Codec().reader(module["Order"])(codec.write(order))


def test_its_links_lead_somewhere():
    here = pathlib.Path(__file__).parent.parent
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 5
    for link in links:
        assert (here / link).exists(), link
