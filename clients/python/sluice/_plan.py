"""The plan of a call: its first message."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from ._wire import MAX_PAYLOAD, WireError, short


@dataclass(frozen=True)
class StreamPlan:
    """A stream of a call: the name of its type in C# and its JSON schema, if known, and the largest value."""

    name: str
    type: Optional[str] = None
    max_item_bytes: int = MAX_PAYLOAD
    schema: Any = None


@dataclass(frozen=True)
class Plan:
    """What a call is: the first message of it."""

    run: str
    processor: str
    inputs: List[str] = field(default_factory=list)
    outputs: List[str] = field(default_factory=list)
    resume: str = "FromScratch"
    start: int = 0
    attempt: int = 0
    state: Optional[bytes] = None
    streams: Dict[str, StreamPlan] = field(default_factory=dict)
    trace: Optional[str] = None
    trace_state: Optional[str] = None
    takes_waits: bool = False
    """Whether the service knows reads ahead, and waits for them."""

    @staticmethod
    def parse(data: bytes) -> "Plan":
        """Reads it. Unknown members are skipped, because a newer service may have them; left out members have their defaults."""
        try:
            plan = json.loads(data.decode("utf-8"))
            processor = plan["Processor"]
            streams = {one["Name"]: StreamPlan(str(one["Name"]), one.get("Type"), int(one.get("MaxItemBytes", MAX_PAYLOAD)),
                                               one.get("Schema"))
                       for one in plan.get("Streams") or []}
            resume = processor.get("Resume", "FromScratch")
            if resume not in ("FromScratch", "PerItem", "Checkpoint"):
                raise WireError(f"The plan resumes {short(str(resume), 40)}, which this version of the package does not know.")
            state = plan.get("State")
            inputs, outputs = processor.get("Inputs") or [], processor.get("Outputs") or []
            if not all(isinstance(name, str) for name in [*inputs, *outputs, processor["Name"], plan["Run"]]):
                raise TypeError("a name is no text")
            return Plan(plan["Run"], processor["Name"], inputs, outputs, resume, int(plan.get("Start", 0)), int(plan.get("Attempt", 0)),
                        None if state is None else base64.b64decode(state, validate=True), streams, plan.get("Trace"),
                        plan.get("TraceState"), plan.get("TakesWaits") is True)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            raise WireError(f"A plan cannot be read: {type(e).__name__}: {short(str(e), 200)}") from None
