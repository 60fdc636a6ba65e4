"""``python3 -m sluice.worker`` as a service starts it: a real process, a real socket."""

import asyncio
import contextlib
import functools
import os
import pathlib
import signal
import struct
import subprocess
import sys

import pytest

from fake_parent import LIMIT, SECRET, Parent, Stream

HERE = pathlib.Path(__file__).parent
PATH = os.pathsep.join([str(HERE.parent), str(HERE)])


def start(*arguments, token=None, variable="SLUICE_PROCESSORS", **more):
    env = {**os.environ, "PYTHONPATH": PATH, **({variable: token} if token is not None else {})}
    return subprocess.Popen([sys.executable, "-m", "sluice.worker", *arguments], env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


class Service(Parent):
    """The parent of a process: a socket where it connects, and its token."""

    def __init__(self, directory, module="words"):
        super().__init__(None)
        self.path, self.module = str(directory / "workers"), module

    async def __aenter__(self):
        connected = asyncio.get_running_loop().create_future()
        self.server = await asyncio.start_unix_server(lambda *ends: connected.set_result(ends), self.path)
        self.process = start(self.module, start_new_session=True, token=SECRET.hex().upper() + f"{self.max_payload:08X}" + self.path)
        try:
            self.reader, self.writer = await asyncio.wait_for(connected, LIMIT)
        except BaseException:
            self.process.kill()
            raise
        self.receiving = asyncio.ensure_future(self._receive())
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        self.server.close()
        try:
            self.out, self.err = await asyncio.to_thread(self.process.communicate, timeout=LIMIT)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)           # with what its functions have forked
        self.exit_code = self.process.returncode
        self.receiving.cancel()
        if self.broken:
            raise self.broken


def serve(test, tmp_path, **more):
    service = Service(tmp_path, **more)

    async def inner():
        async with service:
            return await test(service)

    return asyncio.run(inner()), service


def test_prints_go_to_standard_error_and_the_token_is_not_inherited(tmp_path):
    async def test(service):
        return await service.call("talks", {"x": [1]}, ["y"]).values()

    values, service = serve(test, tmp_path)
    assert values == {"y": [[False, 1]]}
    assert service.out == "" and service.exit_code == 0
    assert service.err.splitlines() == ["printed by the module", "printed by the function", "printed by a process"]


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_a_service_without_standard_output_or_errors(tmp_path, monkeypatch, closed):
    async def test(service):
        return await service.call("talks", {"x": [1]}, ["y"]).values()

    def close():
        for one in closed:
            os.close(one)

    monkeypatch.setitem(globals(), "start", functools.partial(start, preexec_fn=close))
    values, service = serve(test, tmp_path)
    assert values == {"y": [[False, 1]]} and service.exit_code == 0
    assert ("printed by the function" in service.err) == (2 not in closed)


@pytest.mark.parametrize("name", ["hangs", "blocks"])
def test_a_process_ends_after_its_parent_even_if_its_function_does_not(tmp_path, name):
    async def test(service):
        call = service.call(name, {"x": [1]}, ["y"])
        while not call.put["y"]:
            await asyncio.sleep(0.001)

    _, service = serve(test, tmp_path)
    assert service.exit_code in (0, 1) and "Traceback" not in service.err


def test_signals_of_the_group_are_left_to_the_parent(tmp_path):
    async def test(service):
        call = service.call("talks", {"x": [1]}, ["y"], begin=False)
        while service.hello is None:
            await asyncio.sleep(0.001)
        for one in (signal.SIGINT, signal.SIGTERM):
            service.process.send_signal(one)
        call.say(34)
        return await call.values()

    values, service = serve(test, tmp_path)
    assert values == {"y": [[False, 1]]} and service.exit_code == 0


@pytest.mark.parametrize("name, values", [("pools", [6]), ("forks", ["the original", "both"]), ("ends_what_it_forks", ["ended"]),
                                          ("reads_in_a_fork", [1])])
def test_a_function_may_fork(tmp_path, name, values):
    async def test(service):
        found = await service.call(name, {"x": [1]}, ["y"]).values()
        return found, await service.call("talks", {"x": [1]}, ["y"]).values()

    (found, after), service = serve(test, tmp_path)
    assert found == {"y": values} and after == {"y": [[False, 1]]}
    assert service.exit_code == 0 and "Traceback" not in service.err
    said = f"the processor {name} has forked came back from it, or reads or writes, and ends" in service.err
    assert said == (name in ("forks", "reads_in_a_fork"))


def test_a_process_that_a_function_has_forked_does_not_keep_the_connection_of_a_killed_one(tmp_path):
    async def test(service):
        call = service.call("leaves_a_fork", {"x": [1]}, ["y"])
        while not call.put["y"]:
            await asyncio.sleep(0.001)
        service.process.kill()
        with pytest.raises(ConnectionError):
            await call.result()
        os.kill(int(call.put["y"][0]), signal.SIGKILL)

    assert serve(test, tmp_path)[1].exit_code == -signal.SIGKILL


def test_an_exit_in_a_task_of_a_function_fails_the_function_only(tmp_path):
    async def test(service):
        other = Stream([1], complete=False)
        beside = service.call("copies", {"x": other}, ["y"])
        found = await service.call("exits_in_a_task", {"x": [1]}, ["y"]).failed()
        other.add(2)
        other.complete()
        return found, await beside.values()

    (found, beside), service = serve(test, tmp_path)
    assert found.type == "SystemExit" and "sys.exit(3)" in found.message
    assert beside == {"y": [1, 2]} and service.exit_code == 0


def test_a_function_that_ends_its_process(tmp_path):
    async def test(service):
        with pytest.raises(ConnectionError):
            await service.call("dies", {"x": [1]}, ["y"]).result()

    assert serve(test, tmp_path)[1].exit_code == 7


@pytest.mark.parametrize("module, source, said", [
    ("absent", None, "The module absent of the Python worker cannot be imported: ModuleNotFoundError: No module named 'absent' (working"),
    ("broken", "import numby_of_tests", "ModuleNotFoundError: No module named 'numby_of_tests' (in "),
    ("broken", "def f(:", "SyntaxError: invalid syntax (in "), ("broken", "import sys\nsys.exit(3)", "SystemExit: 3 (in "),
    ("broken", "raise ValueError('two\\nlines')", "lines"),
    ("broken", "e = ImportError('no torch')\ne.__notes__ = ['while it loads x']\nraise e", "ImportError: no torch"),
    ("broken", "x = 1", "has no sluice.Worker: write worker = Worker() at its top."),
    ("broken", "from sluice import Worker\na = Worker()\nb = Worker()", "more than one sluice.Worker (a, b): say which, as broken:a."),
    ("broken:wirker", "from sluice import Worker\nworker = Worker()", 'There is no worker "wirker". Near it: worker.'),
    ("broken:x", "x = 1", "broken:x is a int, and not a sluice.Worker."), ("broken.py", "x = 1", "is a file: give the name of the module"),
    ("broken", "from sluice import Worker, IO\nworker = Worker()\n@worker.processor(inputs=['x'])\ndef f(y: IO[int]): pass",
     'no input "y". There are: x. Name the parameter like one of them. (in '),
])
def test_a_module_without_a_worker_is_said_on_one_line_before_it_connects(tmp_path, monkeypatch, module, source, said):
    if source is not None:
        (tmp_path / "broken.py").write_text(source)
    monkeypatch.setitem(globals(), "PATH", os.pathsep.join([PATH, str(tmp_path)]))
    code, out, err = end(start(module, token=SECRET.hex() + "00100000/tmp/no-such-socket-of-sluice"))
    lines = err.splitlines()
    assert (code, out) == (1, "") and lines[-1].startswith("sluice.worker: ") and said in lines[-1]
    assert "importlib" not in err and "/sluice/" not in err and SECRET.hex() not in err
    assert len(lines) == 1 or lines[0] == "Traceback (most recent call last):" and 'broken.py", line ' in lines[1]


def end(process):
    out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out, err


def test_by_hand_it_says_how_it_is_meant():
    code, out, err = end(start("words"))
    assert code == 2 and out == "" and err.count("\n") == 1 and "is started by a service" in err and "SLUICE_PROCESSORS" in err


@pytest.mark.parametrize("arguments, variable", [(["words"], "SLUICE_PROCESSORS"), (["stages", "--sluice-worker", "double"],
                                                                                    "SLUICE_WORKER")])
def test_a_parent_of_another_version(monkeypatch, arguments, variable):
    token = SECRET.hex() + "00100000/tmp/no-such-socket-of-sluice"
    monkeypatch.setenv("SLUICE_PROTOCOL", "0")
    code, out, err = end(start(*arguments, token=token, variable=variable))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("sluice.worker: The service speaks the protocol of child processes up to version 0, and the Python package")
    monkeypatch.setenv("SLUICE_PROTOCOL", "newest")
    code, out, err = end(start(*arguments, token=token, variable=variable))
    assert code == 1 and err.startswith("sluice.worker: The environment variable SLUICE_PROTOCOL is damaged") and "newest" not in err


def test_a_newer_parent(tmp_path, monkeypatch):
    async def test(service):
        return await service.call("talks", {"x": [1]}, ["y"]).values()

    monkeypatch.setenv("SLUICE_PROTOCOL", "99")
    values, service = serve(test, tmp_path)
    assert values == {"y": [[False, 1]]} and service.hello[-8:] == struct.pack("<q", 1)


def test_a_damaged_token_and_no_module():
    code, out, err = end(start("words", token="5ec2e7" * 12))
    assert code == 2 and out == "" and "damaged" in err and "5ec2e7" not in err and err.count("\n") == 1
    code, out, err = end(start(token=SECRET.hex() + "00100000/tmp/none"))
    assert code == 2 and "which module?" in err


def test_damaged_types_are_named_alone(monkeypatch):
    monkeypatch.setenv("SLUICE_TYPES", "[]")
    code, out, err = end(start("words", token=SECRET.hex() + "00100000/tmp/none"))
    assert (code, out, err) == (2, "", "sluice.worker: the environment variable SLUICE_TYPES is damaged: it has no JSON object.\n")


def test_a_parent_that_is_gone():
    assert end(start("words", token=SECRET.hex() + "00100000/tmp/no-such-socket-of-sluice")) == (0, "", "printed by the module\n")


def test_a_wrong_token_is_refused_by_the_parent(tmp_path):
    """The parent closes the connection, without a word; the child ends."""
    async def test():
        async def greet(reader, writer):
            (length,) = struct.unpack("<i", await reader.readexactly(4))
            frame = await reader.readexactly(length)
            assert frame[1:33] != SECRET
            writer.close()

        path = str(tmp_path / "workers")
        server = await asyncio.start_unix_server(greet, path)
        process = start("words", token="77" * 32 + "00100000" + path)
        code, out, err = await asyncio.wait_for(asyncio.to_thread(end, process), LIMIT)
        server.close()
        assert (code, out) == (0, "") and "Traceback" not in err

    asyncio.run(test())
