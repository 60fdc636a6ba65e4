"""The errors of the package."""

from __future__ import annotations

import asyncio
from typing import Collection, Optional

from ._wire import CANCELLED, FLOW, Failure


class SluiceError(Exception):
    """Any error that the package raises for a mistake: its text says what happened and what to do."""


class PayloadError(SluiceError):
    """A value cannot be written as a payload, or a payload cannot be read as the annotated type."""


class ResultCountError(ValueError):
    """A function of batches has not returned one result for each item."""


class FlowError(SluiceError):
    """The flow cannot go on: a stream has failed, or the function has used a stream in a way that is not allowed."""

    def __init__(self, message: str, processor: str = "", is_cancelled: bool = False, failure: Optional[Failure] = None) -> None:
        super().__init__(message)
        self.processor = processor
        """The processor that failed first, if the failure came with a stream; otherwise empty."""
        self.is_cancelled = is_cancelled
        """Whether the run was cancelled."""
        self._failure = failure


def received(failure: Failure) -> BaseException:
    """Makes the exception for a failure that the service has sent; its number goes back if the function passes it on."""
    if failure.kind == CANCELLED:
        cancelled = asyncio.CancelledError(failure.message)
        cancelled._failure = failure  # type: ignore[attr-defined]
        return cancelled
    text = failure.message if failure.kind >= FLOW else f"{failure.type}: {failure.message}"
    return FlowError(text, failure.processor, failure.is_cancelled, failure)


def explain(kind: str, wanted: str, known: Collection[str]) -> str:
    """A sentence about an unknown name, with the known names nearest to it."""
    import difflib

    if not known:
        return f'There is no {kind} "{wanted}": there are none at all.'
    near = [name for name in known if name.lower() == wanted.lower()] or difflib.get_close_matches(wanted, known, n=5, cutoff=0.6)
    if near:
        return f'There is no {kind} "{wanted}". Near it: {", ".join(near)}.'
    some = ", ".join(list(known)[:5])
    if len(known) > 5:
        return f'There is no {kind} "{wanted}". There are {len(known)}, among them {some}.'
    return f'There is no {kind} "{wanted}". There are: {some}.'
