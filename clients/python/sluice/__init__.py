"""Processors and stages of Sluice in Python: see README.md. ``python3 -m sluice.worker module`` serves them to a service."""

from ._errors import FlowError, PayloadError, SluiceError
from ._payloads import pascal_case
from ._registry import Worker
from ._streams import IO, Checkpoint, Context, IOVal, IOWriter, SyncCheckpoint, SyncIO, SyncIOWriter

__all__ = ["IO", "Checkpoint", "Context", "FlowError", "IOVal", "IOWriter", "PayloadError", "SluiceError", "SyncCheckpoint", "SyncIO",
           "SyncIOWriter", "Worker", "pascal_case"]

__version__ = "0.1.0"
