"""What a function has in its hands: inputs, outputs, the context, checkpoints."""

from ._context import Checkpoint, Context, SyncCheckpoint
from ._io import IO, IOVal, IOWriter, SyncIO, SyncIOWriter, put_blocking

__all__ = ["IO", "Checkpoint", "Context", "IOVal", "IOWriter", "SyncCheckpoint", "SyncIO", "SyncIOWriter", "put_blocking"]
