"""The connection of a stage's worker to its pipeline."""

from __future__ import annotations

import asyncio
import socket
from typing import Dict, List

from . import _wire as wire
from ._items import BROKEN, FRAME_ROOM, REFUSED, Answers, Item, ItemReader, item_of
from ._running import run_loop
from ._stage import Stage

_RECEIVED = 1 << 18


def refuse(token: wire.Token, connected: socket.socket, why: str) -> None:
    """Tells the pipeline that no worker can do its work."""
    connected.setblocking(True)
    try:
        connected.sendall(wire.hello(token) + wire.frame(REFUSED, wire.text(why)))
        connected.shutdown(socket.SHUT_WR)
        while connected.recv(_RECEIVED):
            pass                                    # items that were sent meanwhile
    except OSError:
        pass                                        # the parent is gone


def serve_stage(stage: Stage, token: wire.Token, connected: socket.socket) -> int:
    """Serves items until the connection ends. Returns the exit code."""
    try:
        if stage.is_async:
            return run_loop(_serve_async(stage, token, connected))
        return _serve_plain(stage, token, connected)
    except OSError:
        return 0                                    # the parent is gone


def _serve_plain(stage: Stage, token: wire.Token, connected: socket.socket) -> int:
    # One thread, without a loop: the parent sends and receives at the same time, so sending may wait.
    connected.setblocking(True)
    connected.sendall(wire.hello(token))
    reader, answers = ItemReader(token.max_payload), Answers(connected)
    while True:
        data = connected.recv(_RECEIVED)
        if not data:
            return 0
        try:
            items = reader.feed(data)
        except wire.WireError as e:
            connected.sendall(wire.frame(BROKEN, wire.text(str(e))))
            return 1
        answers.begin(len(items))
        for answer in stage.work(items, token.max_payload):
            answers.add(answer)
        answers.send()


async def _serve_async(stage: Stage, token: wire.Token, connected: socket.socket) -> int:
    from ._link import STOP_GRACE, Connection

    loop = asyncio.get_running_loop()
    waiting: List[Item] = []
    running: Dict["asyncio.Task[None]", None] = {}
    is_at_work = False

    async def work(items: List[Item]) -> None:
        connection.send(await stage.work_async(items, token.max_payload))

    def start(items: List[Item]) -> None:
        task = loop.create_task(work(items))
        running[task] = None
        task.add_done_callback(lambda ended: running.pop(ended, None))

    async def work_batches() -> None:
        nonlocal is_at_work
        while waiting:
            items = waiting[: stage.most]
            del waiting[: stage.most]
            await work(items)
        is_at_work = False

    def take(frame: bytes) -> None:
        nonlocal is_at_work
        item = item_of(frame)
        if not stage.is_batch:
            start([item])
            return
        waiting.append(item)
        if not is_at_work:
            is_at_work = True
            task = loop.create_task(work_batches())
            running[task] = None
            task.add_done_callback(lambda ended: running.pop(ended, None))

    connected.setblocking(False)
    _, connection = await loop.create_connection(lambda: Connection(token.max_payload + FRAME_ROOM, take), sock=connected)
    connection.send(wire.hello(token))
    connection.flush()
    await connection.ended
    stage.is_ending = True
    left = list(running)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=STOP_GRACE)
    return 0 if connection.violation is None else 1
