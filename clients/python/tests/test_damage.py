"""Damaged frames and connections, at random."""

import asyncio
import json
import random
import struct

from copies import worker
from fake_parent import LIMIT, SECRET, Parent, failure, number
from sluice import _link, _wire


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
