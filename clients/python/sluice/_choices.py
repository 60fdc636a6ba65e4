"""What a function has got by chance: which stream came first, and what time it was. A repeated start gets the same."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from typing import Callable, Deque, Dict, Optional, Tuple

from . import _wire as wire
from ._hash import chooser

MERGE, LATEST, NEW, CLOCK = 1, 2, 3, 4
_EPOCH = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc)


class Choices:
    """The choices of a call. The loop's thread, unless a member says otherwise."""

    def __init__(self, are_repeated: bool, say: Callable[[int, bytes], None]) -> None:
        self._known: Optional[Dict[Tuple[int, int], Deque[int]]] = {} if are_repeated else None
        self._named: Dict[Tuple[int, str], int] = {}
        self._say = say
        self._lock = threading.Lock()

    def know(self, choices: bytes) -> None:
        """Takes the choices of an earlier start. Raises WireError."""
        if len(choices) % 13:
            raise wire.WireError("Choices are cut off.")
        if self._known is None:
            return
        for at in range(0, len(choices), 13):
            number = int.from_bytes(choices[at + 1 : at + 5], "little", signed=True)
            value = int.from_bytes(choices[at + 5 : at + 13], "little", signed=True)
            self._known.setdefault((choices[at], number), deque()).append(value)

    def number_of(self, kind: int, streams: str) -> int:
        if self._known is None:
            return 0
        before = self._named.get((kind, streams), 0)
        self._named[(kind, streams)] = before + 1
        return chooser(streams, before)

    def replay(self, kind: int, number: int) -> Optional[int]:
        known = self._known.get((kind, number)) if self._known is not None else None
        return known.popleft() if known else None

    def chose(self, kind: int, number: int, value: int) -> None:
        if self._known is not None:
            self._say(wire.CHOSEN, wire.numbers(kind, number, value))

    def now(self) -> dt.datetime:
        """The time. Any thread."""
        with self._lock:
            known = self.replay(CLOCK, 0)
            if known is not None:
                return _EPOCH + dt.timedelta(microseconds=known // 10)
            now = dt.datetime.now(dt.timezone.utc)
            since = now - _EPOCH
            self.chose(CLOCK, 0, (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) * 10)
            return now
