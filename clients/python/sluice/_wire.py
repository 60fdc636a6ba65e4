"""The bytes between a service and a child: frames, messages, failures, the token. docs/internals/executor-protocol.md describes them."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

PROCESSORS = "SLUICE_PROCESSORS"
STAGE = "SLUICE_WORKER"
PROTOCOL = "SLUICE_PROTOCOL"
TYPES = "SLUICE_TYPES"

VERSION = OLDEST = 1
"""The newest and the oldest version of the protocol that this package speaks."""

HELLO = 1
MESSAGE = 32

# To the function.
PLAN, CHOICES, BEGIN, CANCEL, ANSWER, REFUSAL, FAULT, CREDIT = range(32, 40)
# From the function.
OPEN, READ, RELEASE, SAVE, AT, REACH, CHOSEN, PUT, DONE, FAILED, _PUT_TRACED, WAIT = range(64, 76)

# Kinds of failures.
OTHER, FLOW, DIFFERENT, CANCELLED, PAYLOAD, MISUSE = range(1, 7)

MAX_VALUES = 512
MAX_BYTES = 256 << 10
FRAME_ROOM = 2 << 20
MAX_MESSAGE = 8 << 10
MAX_DETAILS = 16 << 10
SECRET_BYTES = 32
MAX_PAYLOAD = 1 << 30

_NUMBER = struct.Struct("<q")
_LENGTH = struct.Struct("<i")
_FRAME = struct.Struct("<iB")
_CALL = struct.Struct("<iBq")
_VALUE = struct.Struct("<qqi")


class WireError(Exception):
    """The other side has sent what the protocol does not allow."""


class VersionError(Exception):
    """The parent speaks no version of the protocol that this package speaks."""


def choose_version(parents: Optional[str], oldest: int = OLDEST, newest: int = VERSION) -> int:
    """The newest version that both speak. A parent that says none speaks version 1. Raises VersionError."""
    from . import __version__

    if parents is not None and not (parents.isascii() and parents.isdigit() and len(parents) < 19):
        raise VersionError(f"The environment variable {PROTOCOL} is damaged: it is no version of the protocol of child processes.")
    theirs = 1 if parents is None else int(parents)
    if theirs >= oldest:
        return min(theirs, newest)
    own = f"version {oldest}" if oldest == newest else f"versions {oldest} to {newest}"
    raise VersionError(f"The service speaks the protocol of child processes up to version {theirs}, and the Python package sluice "
                       f"{__version__} speaks {own}. Update the NuGet package Sluice of the service to {__version__}, or install the "
                       f"package sluice of the service's version for this Python: {sys.executable} -m pip install ./clients/python, in a "
                       "clone of Sluice's sources of that version")


class Token(NamedTuple):
    """What a child is given to connect: the path of a socket, a secret, and the largest payload with the option that sets it; and the
    version that it speaks."""

    socket: str
    secret: bytes
    max_payload: int
    version: int = VERSION
    option: str = "ProcessExecutorOptions.MaxValueBytes"

    def __repr__(self) -> str:
        return f"Token({self.socket})"

    @staticmethod
    def parse(text: str) -> "Token":
        head = 2 * SECRET_BYTES + 8
        try:
            if len(text) <= head:
                raise ValueError
            secret, most = bytes.fromhex(text[: 2 * SECRET_BYTES]), int(text[2 * SECRET_BYTES : head], 16)
            if len(secret) != SECRET_BYTES or not 1 <= most <= MAX_PAYLOAD:
                raise ValueError
            return Token(text[head:], secret, most)
        except ValueError:
            raise ValueError("It is not a token: 64 hexadecimal digits, 8 for the largest payload, and the path of a socket.") from None


def length_at(data: bytes, at: int) -> int:
    length: int = _LENGTH.unpack_from(data, at)[0]
    return length


class Received:
    """Received bytes until they are cut into frames. A long frame is put together once, when its last piece has come."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._pieces: List[bytes] = []
        self._missing = 0

    def add(self, data: bytes) -> bytes:
        """All bytes that are held; none before the first frame is complete. Give back by keep what was not used."""
        if not self._pieces:
            return data
        self._pieces.append(data)
        self._missing -= len(data)
        if self._missing > 0:
            return b""
        held = b"".join(self._pieces)
        self._pieces.clear()
        return held

    def keep(self, held: bytes, at: int) -> None:
        """Keeps the beginning of a frame. Raises WireError for a length that is not allowed."""
        size = len(held) - at
        if size:
            self._missing = (4 + self.check(length_at(held, at)) if size >= 4 else 4) - size
            self._pieces.append(held[at:])

    def check(self, length: int) -> int:
        if not 1 <= length <= self.longest:
            raise WireError(f"A frame says that it has {length:,} bytes; from 1 to {self.longest:,} are allowed.")
        return length


class FrameReader:
    """Cuts received bytes into frames, from their kind on."""

    def __init__(self, longest: int) -> None:
        self._received = Received(longest)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes bytes, and yields the frames that are complete. Consume it before the next call."""
        held, at = self._received.add(data), 0
        while len(held) - at >= 4:
            end = at + 4 + self._received.check(length_at(held, at))
            if len(held) < end:
                break
            yield held[at + 4 : end]
            at = end
        self._received.keep(held, at)


class Content:
    """Takes numbers and texts from the front of a message."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data, self._at = data, at

    def _take(self, form: struct.Struct) -> Any:
        if len(self._data) - self._at < form.size:
            raise WireError("A frame is cut off.")
        found = form.unpack_from(self._data, self._at)[0]
        self._at += form.size
        return found

    def number(self) -> int:
        return int(self._take(_NUMBER))

    def byte(self) -> int:
        if self._at >= len(self._data):
            raise WireError("A frame is cut off.")
        self._at += 1
        return self._data[self._at - 1]

    def sized(self) -> bytes:
        length = self._take(_LENGTH)
        if not 0 <= length <= len(self._data) - self._at:
            raise WireError("A frame is cut off.")
        self._at += length
        return self._data[self._at - length : self._at]

    def text(self) -> str:
        return self.sized().decode("utf-8", "replace")

    def rest(self) -> bytes:
        return self._data[self._at :]

    @property
    def is_empty(self) -> bool:
        return self._at >= len(self._data)


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def sized(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def text(value: str) -> bytes:
    return sized(value.encode("utf-8", "replace"))


def frame(kind: int, content: bytes = b"") -> bytes:
    return _FRAME.pack(1 + len(content), kind) + content


def message(call: int, kind: int, content: bytes = b"") -> bytes:
    """A frame with a message of a call."""
    return b"".join((_CALL.pack(10 + len(content), MESSAGE, call), bytes((kind,)), content))


def tail(value: str, most: int) -> str:
    """The text; of a long one, the end in whole lines."""
    if len(value) <= most:
        return value
    value = value[-most:]
    return "…" + value[max(0, value.find("\n")) :]


def hello(token: Token, input: str = "", output: str = "", takes_traces: bool = False) -> bytes:
    return frame(HELLO, token.secret + text(input) + text(output) + bytes((1 if takes_traces else 0,)) + numbers(token.version))


def opened(data: bytes) -> Tuple[int, bytes]:
    """The number of the call, and the message, of a frame."""
    if data[0] != MESSAGE:
        raise WireError(f"a frame of the kind {data[0]}.")
    if len(data) < 10:
        raise WireError("A frame is cut off.")
    return _NUMBER.unpack_from(data, 1)[0], data[9:]


def short(value: str, most: int) -> str:
    """The text; a long one is cut, and ends with an ellipsis."""
    return value if len(value) <= most else value[:most] + "…"


@dataclass(frozen=True)
class Failure:
    """A failure in a message, as text."""

    id: int
    kind: int
    type: str
    message: str
    processor: str = ""
    is_cancelled: bool = False
    details: str = ""

    def to_bytes(self) -> bytes:
        return b"".join((_NUMBER.pack(self.id), bytes((self.kind, 1 if self.is_cancelled else 0)), text(self.type), text(self.message),
                         text(self.processor), text(self.details)))

    @staticmethod
    def read(content: Content) -> "Failure":
        number, kind, flag = content.number(), content.byte(), content.byte()
        kind_name, said, processor, details = content.text(), content.text(), content.text(), content.text()
        return Failure(number, kind, kind_name, said, processor, flag != 0, details)


Value = Tuple[int, bytes]


def values(content: Content) -> Tuple[bool, List[Value]]:
    """The answer to a read: whether the stream is complete, and the values with their places."""
    flags, data, at = content.byte(), content.rest(), 0
    found: List[Value] = []
    while at < len(data):
        if len(data) - at < _VALUE.size:
            raise WireError("A frame is cut off.")
        sequence, _, length = _VALUE.unpack_from(data, at)
        at += _VALUE.size
        if not 0 <= length <= len(data) - at:
            raise WireError("A frame is cut off.")
        found.append((sequence, data[at : at + length]))
        at += length
        if flags & 2:
            headers = Content(data, at)
            at += 4 + len(headers.sized())
    return flags & 1 != 0, found
