"""The package as its users get it: installed by pip, with types that mypy checks, on each Python that is here."""

import importlib.util
import pathlib
import shutil
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parent.parent

TYPED = '''
from dataclasses import dataclass
from typing import AsyncIterator, List

from sluice import IO, Checkpoint, Context, IOVal, IOWriter, SyncIO, Worker, pascal_case

worker = Worker(names=pascal_case)


@dataclass
class Order:
    lines: List[str]


@worker.processor(inputs=["order", "n"], outputs=["count"])
async def count(order: IO[Order], n: IO[int], count: IOWriter[int], state: Checkpoint[int], context: Context) -> None:
    first: int = await n.first()
    async for one in order.stream():
        await count.write(len(one.lines) + first)
    await state.save(first)


@worker.processor(inputs=["a"], outputs=["b"])
async def generator(a: IO[int]) -> AsyncIterator[IOVal[int]]:
    async for name, value in a.as_available():
        yield IOVal("b", await a.first())


@worker.processor(inputs=["a"], outputs=["b"])
def total(a: SyncIO[int]) -> int:
    return sum(a.stream())


@worker.stage
def length(text: str) -> int:
    return len(text)


@worker.stage(batch=True)
def lengths(texts: List[str]) -> List[int]:
    return [length(text) for text in texts]
'''


def mypy(*arguments):
    found = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--python-version", "3.9", "--cache-dir", "/dev/null", *arguments],
                           capture_output=True, text=True, cwd=PACKAGE)
    return found.returncode, found.stdout + found.stderr


needs_mypy = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed (apt-get install mypy)")


@needs_mypy
def test_mypy_accepts_the_package_and_finds_what_its_users_write_wrongly(tmp_path):
    wrong = {
        "first": ("= await n.first()", "= n.first()", "Incompatible types in assignment (expression has type \"Coroutine[Any, Any, int]\""),
        "write": ("count.write(len(one.lines) + first)", 'count.write("one")', 'has incompatible type "str"; expected "int"'),
        "save": ("state.save(first)", "state.save()", 'Missing positional argument "value" in call to "save"'),
        "stage": ("length(text) for", "text for", 'List comprehension has incompatible type List[str]; expected List[int]'),
    }
    (tmp_path / "right.py").write_text(TYPED)
    for name, (right, text, _) in wrong.items():
        assert right in TYPED
        (tmp_path / f"{name}.py").write_text(TYPED.replace(right, text))
    code, said = mypy("sluice", *map(str, sorted(tmp_path.iterdir())))
    mistakes = [line for line in said.splitlines() if ": error: " in line]
    assert code == 1 and len(mistakes) == len(wrong), said
    for name, (_, _, expected) in wrong.items():
        assert any(f"{name}.py:" in line and expected in line for line in mistakes), said


@pytest.mark.skipif(not all(importlib.util.find_spec(name) for name in ("pip", "setuptools", "wheel")),
                    reason="pip, setuptools or wheel is not installed")
def test_pip_installs_the_package_in_a_new_environment(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "tests", "build", "*.egg-info"))
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", str(venv)], check=True)
    python = str(venv / "bin" / "python")
    installed = subprocess.run([python, "-m", "pip", "install", "--no-index", "--no-build-isolation", "--quiet", str(source)],
                               capture_output=True, text=True)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    listed = {str(one.relative_to(PACKAGE)) for one in (PACKAGE / "sluice").rglob("*") if one.suffix == ".py" or one.name == "py.typed"}
    site = next(venv.glob("lib/python*/site-packages"))
    assert {str(one.relative_to(site)) for one in (site / "sluice").rglob("*")
            if one.suffix == ".py" or one.name == "py.typed"} == listed
    found = subprocess.run([python, "-c", "import sluice; print(sluice.__file__, sluice.__version__)"], capture_output=True, text=True,
                           cwd=tmp_path)
    assert found.stdout.startswith(str(site))
    for command in ([str(venv / "bin" / "sluice-worker")], [python, "-m", "sluice.worker"]):
        by_hand = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert by_hand.returncode == 2 and "is started by a service" in by_hand.stderr


OTHERS = sorted({path for version in range(9, 16) if (path := shutil.which(f"python3.{version}")) and subprocess.run(
    [path, "-c", ""], capture_output=True).returncode == 0})

EVERYWHERE = '''
import asyncio, sys
sys.path[:0] = [PACKAGE, PACKAGE + "/tests"]
from playing import run
from sluice import IO, Checkpoint, IOVal, SyncIO, Worker
from typing import List, Optional
worker = Worker()

@worker.processor(inputs=["x", "z"], outputs=["y"])
async def both(x: IO[int], z: IO[Optional[List[str]]]):
    async for a, b in x.stream_with(z, pad=True):
        yield IOVal("y", [a, b])

@worker.processor(inputs=["x"], outputs=["y"])
def plain(x: SyncIO[int]) -> int:
    return sum(x.stream())

assert run(worker, "both", {"x": [1, 2], "z": [["a"]]}, ["y"]) == {"y": [[1, ["a"]], [2, None]]}
assert run(worker, "plain", {"x": list(range(1000))}, ["y"]) == {"y": [499500]}
print(sys.version_info[:2] >= (3, 9))
'''


@pytest.mark.parametrize("python", OTHERS)
def test_every_python_that_is_here(python):
    found = subprocess.run([python, "-W", "error", "-c", EVERYWHERE.replace("PACKAGE", repr(str(PACKAGE)))], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "True\n"), found.stderr
