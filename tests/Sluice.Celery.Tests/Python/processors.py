"""Processors of the tests. A value such as "once /tmp/x kill" says what the function does when it reads it."""

import asyncio
import os
import signal
import time
from typing import List

from sluice import IO, IOVal, Worker

worker = Worker()


async def act(text: str) -> None:
    words = text.split()
    if words[:1] == ["once"]:
        try:
            os.close(os.open(words[1], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        words = words[2:]
    if words == ["kill"]:
        os.kill(os.getpid(), signal.SIGKILL)
    elif words == ["wait"]:
        await asyncio.Event().wait()
    elif words[:1] == ["block"]:
        print(f"begins to {text}", flush=True)
        while True:
            time.sleep(0.05)
    elif words == ["raise"]:
        raise ValueError("asked to raise")


@worker.processor(inputs=["line"], outputs=["copy"])
async def copy(line: IO[str]):
    async for text in line.stream():
        await act(text)
        yield IOVal("copy", "x" * int(text[5:]) if text.startswith("long ") else text)


@worker.processor(inputs=["copy"], outputs=["total"])
def count(copy) -> int:
    lines: List[str] = list(copy.stream())
    return len(lines)
