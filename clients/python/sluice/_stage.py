"""Stages of pipelines: a function of one item, or of a list of items."""

from __future__ import annotations

import inspect
from typing import Any, Callable

from ._json import Codec


class Stage:
    """The function of a stage, bound. Raises TypeError for one that cannot be."""

    def __init__(self, name: str, function: Callable[..., Any], batch: bool, codec: Codec) -> None:
        self.name, self.function, self.batch, self.codec = name, function, batch, codec
        self.is_async = inspect.iscoroutinefunction(function)
