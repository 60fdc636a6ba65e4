"""Processors in Celery workers: a service asks for a processor by a task, and the worker that takes it serves the processor.

    app = Celery("words", broker="redis://localhost:6379/0")
    serve(app, worker)

The workers are ordinary: ``celery -A words worker -Q sluice``. Celery itself is needed, 5.2 or later, with a prefork, threads or solo pool.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import sys
import threading
from typing import Any, List, NamedTuple, Optional, Sequence

from celery import signals
from celery.exceptions import SoftTimeLimitExceeded

from . import _wire as wire
from ._celery_call import SOFT_SECONDS, Ended, Outcome, execute
from ._errors import SluiceError
from ._registry import Worker

__all__ = ["ProcessorFailed", "serve"]

_PICKLES = {"pickle", "application/x-python-serialize"}
_STOP_SECONDS = SOFT_SECONDS + 5.0
_SERVED = "_sluice_tasks"                           # of an application: the names of its tasks of this module


class ProcessorFailed(SluiceError):
    """The function of a processor has failed. The service has the failure; this is for Celery's own log and events."""


class Address(NamedTuple):
    """Where a service listens for the worker of a task, and what it expects of it. From a header of the task."""

    host: str
    port: int
    token: wire.Token
    certificate: Optional[str]

    @staticmethod
    def parse(text: Any) -> "Address":
        """Raises ValueError or wire.VersionError, without the secret."""
        try:
            found = json.loads(text)
            secret, most = bytes.fromhex(found["secret"]), int(found["max"])
            host, port, certificate = found["host"], int(found["port"]), found.get("certificate")
            if len(secret) != wire.SECRET_BYTES or not 1 <= most <= wire.MAX_PAYLOAD or not 0 < port < 65536 or not isinstance(host, str):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ValueError("The task has no address of a service that waits for it: only Executor.Celery of Sluice sends it.") from None
        version = wire.choose_version(str(found.get("protocol", 1)))
        return Address(host, port, wire.Token("", secret, most, version, "CeleryExecutorOptions.MaxValueBytes"), certificate)


def serve(app: Any, worker: Worker, *, hosts: Optional[Sequence[str]] = None, name: str = "sluice.run") -> Any:
    """Registers the task by which services have this application's workers execute processors. Returns the task.

    app: the Celery application. It must not accept pickle.
    hosts: the names, addresses or networks ("10.0.0.0/8") of services; a task cannot make the worker connect elsewhere. Default: this
    machine only. "*" is any.
    name: the name of the task, as CeleryExecutorOptions.TaskName. An application has one Worker for each name; ValueError otherwise.
    """
    if not isinstance(worker, Worker):
        raise TypeError(f"serve(app, worker) takes the sluice.Worker with the functions, not a {type(worker).__name__}.")
    if isinstance(hosts, str):
        raise TypeError(f"hosts is a list of names: write hosts=[{hosts!r}].")
    served = getattr(app, _SERVED, ())
    if name in served:
        raise ValueError(f"The application {app.main} serves a Worker by the task {name} already: register all functions with one Worker, "
                         "or give another name= (CeleryExecutorOptions.TaskName).")
    setattr(app, _SERVED, (*served, name))
    allowed = list(hosts) if hosts is not None else ["localhost", "127.0.0.0/8", "::1"]

    @signals.worker_init.connect(weak=False)
    def check(**_: Any) -> None:
        why = _mistake(app)
        if why is not None:
            raise SystemExit(f"sluice.celery: {why}")

    # Late: a worker that is killed before it has connected gives the task back. With a worker that was connected the service notices
    # itself, and the task that comes back finds nobody waiting. Not shared: it would be a task of all applications of the process.
    @app.task(name=name, bind=True, shared=False, acks_late=True, reject_on_worker_lost=True, ignore_result=True, max_retries=0,
              serializer="json", throws=(ProcessorFailed,))
    def run(self: Any, *, processor: str, run: str, start: int = 1, **_: Any) -> str:
        why = _mistake(app)
        if why is not None:
            raise SluiceError(why)
        return _run(self, worker, allowed)

    return run


def _mistake(app: Any) -> Optional[str]:
    accepted = set(app.conf.accept_content or ()) | set(app.conf.result_accept_content or ())
    accepted |= {app.conf.task_serializer, app.conf.result_serializer}
    if accepted & _PICKLES:
        return ("This Celery application uses pickle, which executes code that others send. Processors of Sluice are not served by it: "
                'set accept_content = ["json"], task_serializer = "json" and result_serializer = "json".')
    return None


def _run(task: Any, worker: Worker, allowed: List[str]) -> str:
    request = task.request
    _check_pool()
    address = Address.parse(request.get("sluice"))
    _check_host(address.host, allowed)
    ended = Ended()
    name = f"{request.hostname or socket.gethostname()} (process {os.getpid()})"
    # On a thread of its own: Celery's soft time limit interrupts the main thread wherever it is.
    thread = threading.Thread(target=execute, args=(worker, address, name, ended), name="sluice-call", daemon=True)
    thread.start()
    try:
        outcome = ended.wait()
    except SoftTimeLimitExceeded:
        limit = (request.timelimit or [None, None])[1]
        ended.stop("The processor has reached the soft time limit of its Celery task"
                   + (f" ({limit} seconds)." if limit else "."))
        outcome = ended.wait(_STOP_SECONDS)
    if outcome is None or outcome.is_stuck:
        _abandon(request.id)
    assert outcome is not None
    if outcome.failure is not None:
        raise ProcessorFailed(outcome.failure)
    return outcome.text


def _abandon(task: Any) -> None:
    """The function ignores its end: the process ends, if it is one of a pool, so that nothing hangs in it."""
    from billiard.process import current_process

    text = f"sluice.celery: the function of the task {task} has not ended in time after it was told to."
    if current_process().name == "MainProcess":
        raise ProcessorFailed(f"{text} It goes on in a thread of this worker.")
    os.write(2, f"{text} Its process ends.\n".encode())        # not through Celery's log, whose locks the function may hold
    os._exit(70)


def _check_pool() -> None:
    for name, check, part in (("gevent.monkey", "is_module_patched", "threading"), ("eventlet.patcher", "is_monkey_patched", "thread")):
        module = sys.modules.get(name)
        if module is not None and getattr(module, check)(part):
            raise SluiceError(f"Processors of Sluice need threads, which {name.split('.')[0]} replaces. Start the worker with another "
                              "pool: celery worker -P prefork, -P threads or -P solo.")


def _check_host(host: str, allowed: List[str]) -> None:
    for one in allowed:
        if one == "*" or one.lower() == host.lower():
            return
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(one, strict=False):
                return
        except ValueError:
            continue                                # a name
    raise SluiceError(f"The task wants this worker to connect to {wire.short(host, 200)}, which is not among the hosts it may connect to: "
                      f"{', '.join(allowed)}. If the service is there, write serve(app, worker, hosts=[{host!r}]).")
