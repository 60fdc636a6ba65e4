"""A service that a task of Executor.Celery connects to, played by the tests."""

import json
import socket
import threading

import pytest

celery = pytest.importorskip("celery")

from sluice import _wire as wire  # noqa: E402

SECRET = bytes(range(32))


def make_app(**conf):
    app = celery.Celery("test", broker="memory://", set_as_current=False)
    app.conf.update(conf)
    return app


def header(port, **more):
    return json.dumps({"host": "127.0.0.1", "port": port, "secret": SECRET.hex(), "max": 1000, "protocol": 1, **more})


def run(task, text, **kwargs):
    """Calls the task as a worker does, with the header of its message."""
    task.push_request(sluice=text, id="task-1", hostname="celery@test", timelimit=[None, None])
    try:
        return task.run(processor="copy", run="r1", **kwargs)
    finally:
        task.pop_request()


class Service:
    """Listens for one worker, and plays the service in a thread."""

    def __init__(self, play, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.play, self.context, self.failure = play, context, None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            connected, _ = self.listener.accept()
            with connected:
                if self.context is not None:
                    connected = self.context.wrap_socket(connected, server_side=True)
                self.play(Peer(connected))
                connected.close()
        except BaseException as e:
            self.failure = e

    def end(self):
        self.thread.join(30)
        self.listener.close()
        if self.failure is not None:
            raise self.failure


class Peer:
    def __init__(self, connected):
        self.connected, self.reader, self.frames = connected, wire.FrameReader(1 << 20), []

    def frame(self):
        while not self.frames:
            data = self.connected.recv(65536)
            if not data:
                return None
            self.frames.extend(self.reader.feed(data))
        return self.frames.pop(0)

    def message(self):
        data = self.frame()
        return None if data is None else wire.opened(data)[1]

    def plan(self, processor="copy"):
        plan = {"Run": "r1", "Start": 1, "Attempt": 1, "Processor": {"Name": processor, "Outputs": ["out"]}, "Streams": [{"Name": "out"}]}
        self.connected.sendall(wire.message(1, wire.PLAN, json.dumps(plan).encode()) + wire.message(1, wire.BEGIN))
