"""The frames between a pipeline and the worker of a stage: items in, answers out."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from typing import Deque, List, Tuple

from . import _wire as wire

ITEM, DONE, FAILED, REFUSED, BROKEN, TRACED_ITEM = range(2, 8)

FRAME_ROOM = 64 + 544
"""The bytes of a frame beside its payload: its kind, the number of the item, and a trace."""

_ITEM = struct.Struct("<iBq")
_DONE = struct.Struct("<iBqB")
_ONE = struct.Struct("<iBqBi")
_SEND = 1 << 16
_SEND_AFTER = 0.005

Item = Tuple[int, bytes]


def item_of(frame: bytes) -> Item:
    """The number and the payload of a frame with an item. Raises WireError."""
    if frame[0] not in (ITEM, TRACED_ITEM):
        raise wire.WireError(f"A frame of the kind {frame[0]} has come, which only workers send.")
    content = wire.Content(frame, 1)
    number = content.number()
    if frame[0] == TRACED_ITEM:
        content.sized()                             # the trace
    return number, content.rest()


class ItemReader:
    """Cuts received bytes into items: one copy of each payload."""

    def __init__(self, max_payload: int) -> None:
        self._received = wire.Received(max_payload + FRAME_ROOM)

    def feed(self, data: bytes) -> List[Item]:
        """Takes bytes, and returns the items that are complete. Raises WireError."""
        received, items = self._received, []
        held, at = received.add(data), 0
        size, longest, unpack = len(held), received.longest, _ITEM.unpack_from
        while size - at >= 13:
            length, kind, number = unpack(held, at)
            end = at + 4 + length
            if kind == ITEM and 9 <= length <= longest:
                if end > size:
                    break
                items.append((number, held[at + 13 : end]))
            else:
                received.check(length)
                if end > size:
                    break
                items.append(item_of(held[at + 4 : end]))
            at = end
        if 5 <= size - at < 13 and size - at >= 4 + received.check(wire.length_at(held, at)):
            item_of(held[at + 4 :])                 # too short for an item
        received.keep(held, at)
        return items


def done(number: int, payloads: List[bytes]) -> bytes:
    """The answer with the results of an item."""
    if len(payloads) == 1:
        size = len(payloads[0])
        return _ONE.pack(14 + size, DONE, number, 0, size) + payloads[0]
    content = b"".join(map(wire.sized, payloads))
    return _DONE.pack(10 + len(content), DONE, number, 0) + content


def failed(number: int, stage: str, kind: str, message: str) -> bytes:
    """The answer with the failure of an item."""
    return wire.frame(FAILED, wire.numbers(number) + b"\0" + wire.text(stage) + wire.text(kind)
                      + wire.text(wire.short(message, wire.MAX_MESSAGE)))


class Answers:
    """Collects answers, and sends many at once. Those of slow functions go out after some milliseconds: others wait for them, and they
    are not lost with a later item. A thread of its own sends what waits for a slow item behind it."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        self._out: Deque[bytes] = deque()           # its appends and pops need no lock
        self._size, self._since, self._left = 0, 0.0, 0
        self._is_watched = True                     # answers that are added now will be sent by the thread
        self._sending = threading.Lock()
        self._held = threading.Event()
        self._is_begun = False

    def begin(self, count: int) -> None:
        """Begins with items that have just come."""
        self._left = count
        self._since = time.monotonic()
        if count > 1 and not self._is_begun:
            self._is_begun, self._is_watched = True, False
            threading.Thread(target=self._watch, name="sluice-answers", daemon=True).start()

    def add(self, answer: bytes) -> None:
        self._out.append(answer)
        self._size += len(answer)
        self._left -= 1
        if self._size >= _SEND or time.monotonic() - self._since >= _SEND_AFTER:
            self.send()
        elif not self._is_watched and self._left > 0:
            self._is_watched = True
            self._held.set()

    def send(self) -> None:
        self._size = 0
        self._send()
        self._since = time.monotonic()

    def _send(self) -> None:
        with self._sending:
            out = [self._out.popleft() for _ in range(len(self._out))]
            if out:
                self._connected.sendall(b"".join(out))

    def _watch(self) -> None:
        while True:
            self._held.wait()
            self._held.clear()
            time.sleep(_SEND_AFTER)
            self._is_watched = False                # before the look: what is added behind it is held anew
            try:
                self._send()
            except OSError:
                return                              # the parent is gone
