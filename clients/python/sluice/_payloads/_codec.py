"""Writes and reads the payloads of a worker."""

from __future__ import annotations

from typing import Any, Callable, Optional

from .._errors import PayloadError
from ._csharp import BYTES, disagree, unfit
from ._loads import loads
from ._members import options_of, unwrapped
from ._mistakes import MAX_DEPTH, Mistake
from ._names import Names
from ._readers import Readers
from ._shapes import conflict, types_of
from ._writer import ESCAPED, Writer, write

REFUSED = ("pickle", "cpickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle")


class Codec:
    """Writes and reads the payloads of a worker."""

    def __init__(self, payloads: Any = "json", names: Optional[Names] = None) -> None:
        self._names: Names = names or (lambda name: name)
        called = payloads if isinstance(payloads, str) else getattr(payloads, "__name__", type(payloads).__name__)
        module = getattr(payloads, "__module__", "") or ""
        if any(part.lower() in REFUSED for part in (*str(called).split("."), *str(module).split("."))):
            raise ValueError(f"{called} is refused: reading it runs code of whoever wrote the payload. Payloads are JSON.")
        if payloads != "json" and not (callable(getattr(payloads, "dumps", None)) and callable(getattr(payloads, "loads", None))):
            raise ValueError('Payloads are "json", or something with dumps (a plain value to bytes) and loads (bytes to a plain value).')
        self._other = None if payloads == "json" else payloads

    def write(self, value: Any) -> bytes:
        """Raises PayloadError."""
        if self._other is None:
            return write(value, self._names)
        try:
            made = self._other.dumps(Writer(self._names).plain(value))
            return made.encode("utf-8") if isinstance(made, str) else bytes(made)
        except Exception as e:
            raise PayloadError(f"{type(e).__name__}: {e}") from None

    def bytes_of(self, kind: Any) -> Any:
        """bytes or bytearray, if the payloads of a type are the bytes as they are; otherwise None."""
        options = options_of(unwrapped(kind)) if self._other is None else []
        found = unwrapped(options[0]) if len(options) == 1 else None
        return found if found in (bytes, bytearray) else None

    def write_as(self, kind: Any, value: Any) -> bytes:
        """Writes a value of an annotated type. Raises PayloadError, also for JSON that would be read as bytes."""
        if self.bytes_of(kind) is not None and unfit(BYTES, value) is not None:
            raise PayloadError(f"it is annotated as bytes, and is a {type(value).__name__}")
        return self.write(value)

    def conflict(self, name: Optional[str], schema: Any, kind: Any, reads: bool) -> Optional[str]:
        """Why values of a C# type, by its name and its JSON schema, and of a Python type never fit; None if no reason is known."""
        if self._other is not None:
            return None
        if self.bytes_of(kind) is not None and (types_of(schema) or disagree(name, kind)):
            return f"C# has {name}, which is JSON, and Python bytes as they are: use byte[] in C#"
        if schema is not None:
            return conflict(schema, kind, self._names, reads)
        return "" if disagree(name, kind) else None

    def reader(self, kind: Any) -> Callable[[bytes], Any]:
        """The reader of payloads of a type. Raises TypeError for a type that none can be read as."""
        make: Optional[Callable[[bytes], Any]] = self.bytes_of(kind)
        if make is not None:
            return make
        readers = Readers(self._names)
        convert = readers.of(kind)
        plain = self._other.loads if self._other is not None else None

        def read(payload: bytes) -> Any:
            try:
                return convert(plain(payload) if plain is not None else loads(payload, readers.decimals))
            except Mistake as e:
                raise PayloadError(str(e)) from None
            except RecursionError:
                raise PayloadError(f"it is deeper than {MAX_DEPTH} levels") from None
            except PayloadError:
                raise
            except Exception as e:
                raise PayloadError(f"{type(e).__name__}: {e}") from None

        def read_str(payload: bytes) -> Any:
            text = payload[1:-1]
            if len(payload) > 1 and payload[:1] == b'"' == payload[-1:] and text.translate(ESCAPED) == text:
                try:
                    return text.decode("utf-8")
                except UnicodeDecodeError:
                    pass                            # the other reader says so
            return read(payload)

        return read_str if kind is str and plain is None else read
