"""A parent that speaks the protocol of docs/internals/executor-protocol.md, checks the child's side of it, and counts.

It shares no code with the package: what both get wrong together would not be seen.
"""

import asyncio
import base64
import json
import socket
import struct

from sluice import _link, _wire

LIMIT = 60.0
SECRET = bytes(range(32))


def number(value):
    return struct.pack("<q", value)


def text(value):
    data = value.encode()
    return struct.pack("<i", len(data)) + data


def failure(kind=2, message="it failed", id=0, type="FlowException", processor="", cancelled=0, details=""):
    return number(id) + bytes((kind, cancelled)) + text(type) + text(message) + text(processor) + text(details)


def read_failure(data):
    id_, kind, cancelled = struct.unpack_from("<qBB", data)
    texts, at = [], 10
    for _ in range(4):
        (length,) = struct.unpack_from("<i", data, at)
        texts.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    assert at == len(data)
    return Failed(id_, kind, cancelled != 0, *texts)


class Failed:
    def __init__(self, id, kind, is_cancelled, type, message, processor, details):
        self.id, self.kind, self.is_cancelled, self.type = id, kind, is_cancelled, type
        self.message, self.processor, self.details = message, processor, details

    def __repr__(self):
        return f"Failed({self.kind}, {self.type}: {self.message})\n{self.details}"


class Stream:
    """A stream of the store: payloads, with an end."""

    def __init__(self, values=(), complete=True, failure=None, first=1, raw=False):
        self.payloads = [one if raw else json.dumps(one).encode() for one in values]
        self.is_complete, self.failure, self.first = complete, failure, first
        self.changed = None

    def add(self, *values):
        self.payloads += [json.dumps(one).encode() for one in values]
        self._tell()

    def complete(self):
        self.is_complete = True
        self._tell()

    def fail(self, content):
        self.failure = content
        self._tell()

    def _tell(self):
        if self.changed is not None:
            self.changed.set()
            self.changed = None

    async def wait(self):
        if self.changed is None:
            self.changed = asyncio.Event()
        await self.changed.wait()


class Run:
    """A call, seen from the service."""

    def __init__(self, parent, id, plan, inputs, outputs, credit):
        self.parent, self.id, self.plan, self.credit = parent, id, plan, credit
        self.inputs, self.outputs = list(inputs.items()), outputs
        self.put = {name: [] for name in outputs}
        self.transit = {name: [0, 0] for name in outputs}
        self.most = {name: 0 for name in outputs}
        self.unsaid = {name: [0, 0] for name in outputs}
        self.readers, self.places, self.opened, self.released, self.reaches = {}, {}, [], [], []
        self.saved, self.chosen, self.log = [], [], []
        self.refuse_save = None
        self.ahead, self.waits, self.answers_waits = [], [], True
        self.ended = asyncio.get_running_loop().create_future()
        self.tasks, self.answered, self.answering = set(), set(), asyncio.Event()

    async def result(self):
        return await asyncio.wait_for(asyncio.shield(self.ended), LIMIT)

    async def values(self):
        end = await self.result()
        assert end is None, repr(end)
        return {name: [json.loads(one) for one in self.put[name]] for name in self.outputs}

    async def failed(self):
        end = await self.result()
        assert end is not None, f"the function has succeeded: {self.put}"
        return end

    def say(self, kind, content=b""):
        self.parent.send(bytes((32,)) + number(self.id) + bytes((kind,)) + content)

    def cancel(self):
        self.say(35)

    def give(self, output, values=None, size=None):
        """Credits what was not credited."""
        unsaid = self.unsaid[output]
        values, size = unsaid if values is None else (values, size)
        self.unsaid[output] = [unsaid[0] - values, unsaid[1] - size]
        self.transit[output][0] -= values
        self.transit[output][1] -= size
        self.say(39, number(self.outputs.index(output)) + number(values) + number(size))

    def take(self, message):
        kind, content = message[0], message[1:]
        numbers = lambda: struct.unpack(f"<{len(content) // 8}q", content)
        self.log.append(kind)
        if self.ended.done():
            raise AssertionError(f"a message of the kind {kind} after the end")
        if kind == 64:
            question, index, place, counted, chooser, was_chosen, chosen = numbers()[:7]
            assert counted in (0, 1) and was_chosen in (0, 1) and place in (0, 1, 2)
            name, stream = self.inputs[index]
            start = stream.first if place == 0 else chosen if was_chosen else stream.first + len(stream.payloads) - (place == 1)
            reader = len(self.readers) + 1
            self.readers[reader] = [name, stream, start]
            self.opened.append((name, place, counted, chooser, was_chosen, chosen))
            self.places[reader] = (start, start)
            self.say(36, number(question) + number(reader) + number(start))
        elif kind == 65:
            question, reader, *ahead = numbers()
            assert reader in self.readers and reader not in self.released
            assert ahead in ([], [1]) and (not ahead or self.plan["TakesWaits"])
            self.ahead.append((question, bool(ahead)))
            self._work(self._read(question, reader))
        elif kind == 66:
            question, reader = numbers()
            assert reader in self.readers and reader not in self.released
            self.released.append(reader)
            self.readers[reader][1]._tell()         # its open read ends
            self.say(36, number(question))
        elif kind == 67:
            question = struct.unpack_from("<q", content)[0]
            if self.refuse_save:
                self.say(37, number(question) + self.refuse_save)
            else:
                self.saved.append((content[8:], dict(self.places), {name: len(all_) for name, all_ in self.put.items()}))
                self.say(36, number(question))
        elif kind == 68:
            reader, delivered, passed = numbers()
            assert reader not in self.released
            before = self.places[reader]
            assert delivered >= before[0] and passed >= before[1] and passed <= delivered
            self.places[reader] = (delivered, passed)
        elif kind == 69:
            assert self.plan["Processor"].get("Resume") == "PerItem"
            (may_wait,) = numbers()
            self.reaches.append((may_wait, dict(self.places), {name: len(all_) for name, all_ in self.put.items()}))
        elif kind == 70:
            assert "Resume" not in self.plan["Processor"]
            self.chosen.append(numbers())
        elif kind == 71:
            output = self.outputs[struct.unpack_from("<q", content)[0]]
            payload, transit, unsaid = content[8:], self.transit[output], self.unsaid[output]
            assert transit[0] < 512 and transit[1] < 256 << 10, "more than there is credit for"
            for counts in (transit, unsaid):
                counts[0] += 1
                counts[1] += len(payload)
            self.most[output] = max(self.most[output], transit[0])
            self.put[output].append(payload)
            if self.credit and (unsaid[0] >= 64 or unsaid[1] >= 64 << 10):
                self.give(output)
        elif kind == 72:
            assert not content
            self.ended.set_result(None)
        elif kind == 73:
            self.ended.set_result(read_failure(content))
        elif kind == 75:
            assert self.plan["TakesWaits"]
            self.waits.append(numbers())
            if self.answers_waits:
                self._work(self._wait(*numbers()))
        else:
            raise AssertionError(f"a message of the kind {kind}")

    def _work(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _wait(self, question, *reads):
        while not any(one in self.answered for one in reads):
            await self.answering.wait()
        self.say(36, number(question))

    async def _read(self, question, reader):
        await self._answer(question, reader)
        self.answered.add(question)
        self.answering.set()
        self.answering = asyncio.Event()

    async def _answer(self, question, reader):
        name, stream, next_ = self.readers[reader]
        while next_ - stream.first >= len(stream.payloads):
            if stream.failure is not None:
                self.say(37, number(question) + stream.failure)
                return
            if stream.is_complete:
                self.say(36, number(question) + b"\x01")
                return
            await stream.wait()
            if reader in self.released:
                self.say(37, number(question) + failure(4, "released", type="OperationCanceledException"))
                return
        found = stream.payloads[next_ - stream.first : next_ - stream.first + 256]
        self.readers[reader][2] = next_ + len(found)
        self.say(36, number(question) + b"\x00" + b"".join(
            struct.pack("<qqi", next_ + at, 1, len(one)) + one for at, one in enumerate(found)))


class Parent:
    """The parent's end, over a socket pair, with the child in the same loop."""

    def __init__(self, worker, max_payload=16 << 20):
        self.worker = worker
        self.max_payload, self.runs, self.hello, self.broken = max_payload, {}, None, None

    async def __aenter__(self):
        mine, its = socket.socketpair(socket.AF_UNIX)
        its.setblocking(False)
        token = _wire.Token("unused", SECRET, self.max_payload)
        self.child = asyncio.ensure_future(_link.serve(self.worker, token, its))
        self.reader, self.writer = await asyncio.open_connection(sock=mine)
        self.receiving = asyncio.ensure_future(self._receive())
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        self.exit_code = await asyncio.wait_for(self.child, LIMIT)
        self.receiving.cancel()
        if self.broken:
            raise self.broken

    def send(self, frame):
        self.writer.write(struct.pack("<i", len(frame)) + frame)

    def call(self, processor, inputs=None, outputs=(), resume=None, state=None, choices=b"", attempt=1, start=1, types=None, begin=True,
             credit=True, extra=None):
        inputs = {name: one if isinstance(one, Stream) else Stream(one) for name, one in (inputs or {}).items()}
        names = [*inputs, *outputs]
        plan = {"Run": "r1", "Start": start, "Attempt": attempt,
                "Processor": {"Name": processor, "Inputs": list(inputs), "Outputs": list(outputs),
                              **({"Resume": resume} if resume else {})},
                "Streams": [{"Name": name, "MaxItems": 10000, "MaxItemBytes": 16 << 20,
                             **({"Type": types[name]} if types and name in types else {})} for name in names],
                "TakesTraces": True, "TakesWaits": True, **(extra or {}),
                **({"State": base64.b64encode(state).decode()} if state is not None else {})}
        run = Run(self, len(self.runs) + 1, plan, inputs, list(outputs), credit)
        self.runs[run.id] = run
        run.say(32, json.dumps(plan).encode())
        if choices:
            run.say(33, choices)
        if begin:
            run.say(34)
        return run

    async def _receive(self):
        try:
            while True:
                (length,) = struct.unpack("<i", await self.reader.readexactly(4))
                frame = await self.reader.readexactly(length)
                if self.hello is None:
                    assert frame[:33] == b"\x01" + SECRET and frame[33:] == b"\0" * 8 + b"\0" + number(1)
                    self.hello = frame
                    continue
                assert frame[0] == 32
                run = self.runs[struct.unpack_from("<q", frame, 1)[0]]
                run.take(frame[9:])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as e:
            self.broken = e
            self.writer.close()
        for run in self.runs.values():
            if not run.ended.done():
                run.ended.set_exception(self.broken or ConnectionError("the child has closed the connection"))
                run.ended.exception()
