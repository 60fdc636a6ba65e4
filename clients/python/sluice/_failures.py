"""How a function has failed, as the service is told."""

from __future__ import annotations

import asyncio
import os
import traceback
from typing import Any, Iterator, Optional

from . import _wire as wire
from ._call import Call
from ._errors import FlowError, PayloadError, ResultCountError, SluiceError

_HERE = os.path.join(os.path.dirname(__file__), "")
_UNKNOWN = "(its text cannot be made)"


def failure_of(e: BaseException, call: Optional[Call] = None) -> wire.Failure:
    """The message for an exception of a function. Never raises, whatever the exception's own methods do."""
    try:
        failure = _failure_of(e, call)
        failure.to_bytes()
        return failure
    except BaseException:
        return wire.Failure(0, wire.OTHER, type(e).__name__, wire.short(_said(e), wire.MAX_MESSAGE))


def _failure_of(e: BaseException, call: Optional[Call]) -> wire.Failure:
    leaves = list(_leaves(e))
    for leaf in leaves:
        known = _member(leaf, "_failure")
        if isinstance(known, wire.Failure):         # passed on: the service finds its own again
            return known
    for kind in (FlowError, PayloadError):          # in a group, they say that another attempt does not help
        e = next((leaf for leaf in leaves if isinstance(leaf, kind)), e)
    name, said = type(e).__name__, _said(e)
    if isinstance(e, asyncio.CancelledError):
        if call is not None and call.is_cancelled:
            return wire.Failure(0, wire.CANCELLED, name, said or "The execution of the function was cancelled.")
        said = "the function was cancelled by its own code, not by its service"
    elif isinstance(e, PayloadError):
        return wire.Failure(0, wire.PAYLOAD, name, wire.short(said, wire.MAX_MESSAGE))
    elif isinstance(e, SluiceError):
        processor = _member(e, "processor")
        return wire.Failure(0, wire.FLOW, name, wire.short(said, wire.MAX_MESSAGE), processor if isinstance(processor, str) else "")
    elif isinstance(e, SystemExit):
        said = f"the function has called sys.exit({'' if e.code is None else e.code}); it ends by return, or fails by an exception"
    elif leaves[0] is not e:
        said = f"{said}: {type(leaves[0]).__name__}: {_said(leaves[0])}"
    return wire.Failure(0, wire.OTHER, name, wire.short(said, wire.MAX_MESSAGE), details=_details(e))


def _leaves(e: BaseException) -> Iterator[BaseException]:
    """The exceptions of an exception group; of another exception, itself."""
    inner = _member(e, "exceptions")
    if not isinstance(inner, tuple) or not inner or not all(isinstance(one, BaseException) for one in inner):
        yield e
        return
    for one in inner:
        yield from _leaves(one)


def _member(e: BaseException, name: str) -> Any:
    """A member of an exception; None if it has none, or its class cannot say."""
    try:
        return getattr(e, name, None)
    except Exception:
        return None


def _said(e: BaseException) -> str:
    try:
        return str(e)
    except BaseException:
        return _UNKNOWN


def _details(e: BaseException) -> str:
    """The traceback, without the frames of this package in front, and without its middle if it is long.

    A traceback of this package alone is a defect of it, and is whole; but a ResultCountError says all in its message.
    """
    if isinstance(e, ResultCountError):
        return ""
    trace = e.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    if trace is None:
        trace = e.__traceback__
    try:
        text = "".join(traceback.format_exception(type(e), e, trace)).rstrip()
    except Exception:
        text = f"{type(e).__name__}: {_said(e)}"
    most = wire.MAX_DETAILS - 20
    return text if len(text) <= most else f"{text[: most // 4]}\n…\n{text[-(most - most // 4):]}"
