"""The loop of a process that executes functions of others."""

from __future__ import annotations

import asyncio
from typing import Any, Coroutine, List, TypeVar

T = TypeVar("T")


def run_loop(work: "Coroutine[Any, Any, T]") -> T:
    """``asyncio.run`` for a loop in which functions of others have tasks.

    ``sys.exit`` or ``KeyboardInterrupt`` in a task ends ``asyncio.run``, and with it the work of all others. Here it ends the task only,
    which hands the exception to its function.
    """
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        main = loop.create_task(work)
        _complete(loop, main)
        return main.result()
    finally:
        try:
            left: "List[asyncio.Task[Any]]" = list(asyncio.all_tasks(loop))
            for task in left:
                task.cancel()
            if left:
                _complete(loop, asyncio.gather(*left, return_exceptions=True))
            _complete(loop, loop.create_task(loop.shutdown_asyncgens()))
            _complete(loop, loop.create_task(loop.shutdown_default_executor()))
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _complete(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]") -> None:
    while not future.done():
        try:
            loop.run_until_complete(future)
        except (SystemExit, KeyboardInterrupt):
            continue                                # the task that has raised it holds it
