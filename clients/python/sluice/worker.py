"""``python3 -m sluice.worker module[:worker]``: executes the functions of a module for the service that has started this process."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Optional

from . import _wire as wire
from ._errors import SluiceError, explain
from ._link import connect, serve, watch, STOP_GRACE
from ._registry import Worker
from ._running import run_loop
from ._stage_link import refuse, serve_stage

USAGE = ("sluice.worker is started by a service (Executor.Python), which gives it an address and a token in the environment variable "
         f"{wire.PROCESSORS}: python3 -m sluice.worker module[:worker]. To try a function by hand, call it in a test (README.md).")
_ARGUMENT = "--sluice-worker"
_ITEMS, _BATCH = "--sluice-items", "--sluice-batch"


class LoadError(SluiceError):
    """The module of a worker cannot be imported, or has no worker."""


def load(target: str) -> Worker:
    """The worker of a target such as ``shop.words`` or ``shop.words:worker``. Raises LoadError."""
    module_name, _, attribute = target.partition(":")
    if module_name.endswith(".py") or "/" in module_name:
        raise LoadError(f"{module_name} is a file: give the name of the module, which is found in the working directory or PYTHONPATH.")
    try:
        module = importlib.import_module(module_name)
    except BaseException as e:
        raise LoadError(f"The module {module_name} of the Python worker cannot be imported: {_said(e)} (working directory {os.getcwd()}, "
                        f"Python {sys.version.split()[0]}).") from e
    if attribute:
        found: Any = module
        for part in attribute.split("."):
            if not hasattr(found, part):
                raise LoadError(f"The module {module_name}: {explain('worker', attribute, _workers(module))}")
            found = getattr(found, part)
        if not isinstance(found, Worker):
            raise LoadError(f"{target} is a {type(found).__name__}, and not a sluice.Worker.")
        return found
    if isinstance(getattr(module, "worker", None), Worker):
        return module.worker  # type: ignore[no-any-return]
    names = _workers(module)
    if len(names) == 1:
        return getattr(module, names[0])  # type: ignore[no-any-return]
    what = f"more than one sluice.Worker ({', '.join(names)}): say which, as {module_name}:{names[0]}" if names else \
        "no sluice.Worker: write worker = Worker() at its top"
    raise LoadError(f"The module {module_name} has {what}.")


def _workers(module: Any) -> List[str]:
    return [name for name, value in vars(module).items() if isinstance(value, Worker)]


def _frames(e: BaseException) -> traceback.StackSummary:
    """The frames of the traceback, without those of this package and of the import machinery: the last one is the user's line."""
    package = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
    return traceback.StackSummary.from_list([frame for frame in traceback.extract_tb(e.__traceback__)
                                             if "importlib" not in frame.filename and not frame.filename.startswith(package)])


def _said(e: BaseException) -> str:
    """What has happened and where, on one line."""
    said = traceback.TracebackException(type(e), e, None)
    notes = [one for one in getattr(said, "__notes__", None) or () if isinstance(one, str)]
    setattr(said, "__notes__", None)                      # they would be the last lines
    text = " ".join(" ".join((list(said.format_exception_only())[-1], *notes)).split())
    if isinstance(e, SyntaxError):
        return f"{text} (in {e.filename}, line {e.lineno})"
    frames = _frames(e)
    return f"{text} (in {frames[-1].filename}, line {frames[-1].lineno})" if frames else text


def _tell(e: LoadError) -> None:
    """The traceback, if there is one, and the line that the parent looks for last."""
    frames = _frames(e.__cause__) if e.__cause__ is not None else traceback.StackSummary()
    if frames:
        print("Traceback (most recent call last):", *"".join(frames.format()).rstrip().splitlines(), sep="\n", file=sys.stderr)
    print(f"sluice.worker: {e}", file=sys.stderr)


def take_token(variable: str) -> Optional[wire.Token]:
    """Takes the token out of the environment, so that this process's own children do not inherit it.

    Raises ValueError for a damaged one, and VersionError.
    """
    text = os.environ.pop(variable, None)
    if text is None:
        return None
    parents = os.environ.pop(wire.PROTOCOL, None)
    try:
        token = wire.Token.parse(text)
    except ValueError as e:
        raise ValueError(f"the environment variable {variable} is damaged. {e}") from None
    return token._replace(version=wire.choose_version(parents))


def take_types() -> Dict[str, Any]:
    """Takes the C# types of a stage's items and results out of the environment; none if the parent does not say them. Raises ValueError
    for damaged ones."""
    text = os.environ.pop(wire.TYPES, "{}")
    try:
        types = json.loads(text)
        return {name: one for name, one in types.items() if isinstance(one, dict)}
    except (ValueError, AttributeError, RecursionError):
        raise ValueError(f"the environment variable {wire.TYPES} is damaged: it has no JSON object.") from None


class _Arguments(NamedTuple):
    target: Optional[str]
    stage: Optional[str]
    """The name of a stage, if this is a worker of a pipeline."""
    most: Optional[int]
    """The form that the pipeline wants: 0 for an item, or the largest number of items in a list; None if it does not say."""


def _arguments(arguments: List[str]) -> _Arguments:
    rest, stage, most = list(arguments), None, None
    if _ARGUMENT in rest:
        at = rest.index(_ARGUMENT)
        following = rest[at + 1 :]
        del rest[at:]
        stage = following[0] if following else None
        if following[1:2] == [_ITEMS]:
            most = 0
        elif following[1:2] == [_BATCH] and len(following) > 2 and following[2].isdigit():
            most = int(following[2])
        rest += following[1:] if most is None else []
    return _Arguments(rest[0] if rest else None, stage, most)


def main(arguments: List[str]) -> int:
    """The exit code: 0 at the end of the parent, 1 if the module cannot be imported, or the parent broke the protocol or speaks none of
    its versions, 2 if this was not started by a service."""
    target, stage, most = _arguments(arguments)
    variable = wire.STAGE if stage is not None else wire.PROCESSORS
    try:
        token, types = take_token(variable), take_types()
    except ValueError as e:
        print(f"sluice.worker: {e}", file=sys.stderr)
        return 2
    except wire.VersionError as e:
        print(f"sluice.worker: {e}", file=sys.stderr)
        return 1
    if token is None and stage is not None:
        print(f"sluice.worker: {_ARGUMENT} is for processes that a pipeline starts by itself (Pipe.InProcesses).", file=sys.stderr)
        return 2
    if token is None or target is None:
        print(USAGE if token is None else f"sluice.worker: which module? {USAGE}", file=sys.stderr)
        return 2
    _ignore_signals()
    _prints_to_errors()
    worker: Optional[Worker] = None
    try:
        worker = load(target)
    except LoadError as e:
        _tell(e)
        if stage is None:
            return 1
        why = str(e)
    connected = connect(token)
    if connected is None:
        return 0
    watch(connected, STOP_GRACE + 1)
    if stage is None:
        assert worker is not None
        return run_loop(serve(worker, token, connected))
    found = worker._stages.get(stage) if worker is not None else None
    if found is not None:
        misfit = found.fit(most, types)
        if misfit is None:
            return serve_stage(found, token, connected)
        why = f"The Python module {target}: {misfit}"
    elif worker is not None:
        why = f"The Python module {target}: {explain('stage', stage, list(worker.stages))} Register it with @worker.stage."
    refuse(token, connected, why)
    return 1


def _ignore_signals() -> None:
    # Ctrl+C and SIGTERM reach all processes of the group: the parent handles them. A handler, unlike SIG_IGN, is not inherited.
    nothing: Callable[[int, Any], None] = lambda number, frame: None
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, nothing)


def _prints_to_errors() -> None:
    """Standard output is the parent's, for its own results: what functions print goes to standard error, also from their processes."""
    if sys.stderr is None:                          # the service has none
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 2)
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)
    if sys.stdout is not None:
        sys.stdout.flush()
    os.dup2(2, 1)
    sys.stdout = sys.stderr


def run() -> NoReturn:
    """The command ``sluice-worker``."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
