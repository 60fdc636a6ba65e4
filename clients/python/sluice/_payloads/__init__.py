"""Payloads: JSON as System.Text.Json writes and reads it, converted by annotation. There is no pickle."""

from ._codec import Codec
from ._csharp import BYTES, unfit
from ._members import options_of
from ._mistakes import brief
from ._names import Names, pascal_case

__all__ = ["BYTES", "Codec", "Names", "brief", "options_of", "pascal_case", "unfit"]
