"""The Celery application of the tests: processors by sluice.celery, and tasks of its own."""

import os
import time

from celery import Celery
from processors import worker
from sluice.celery import serve

app = Celery("shop", broker=os.environ["BROKER"], backend=os.environ.get("BACKEND"))
app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True, broker_connection_max_retries=None,
                result_expires=int(os.environ.get("RESULT_EXPIRES", "3600")))
if os.environ["BROKER"].startswith("redis"):
    app.conf.broker_transport_options = {"visibility_timeout": int(os.environ.get("VISIBILITY", "3600"))}
if "VISIBILITY" in os.environ:
    from kombu.transport.redis import QoS

    # kombu looks for late tasks every 100 seconds; here every 10.
    restore_visible = QoS.restore_visible
    QoS.restore_visible = lambda self, start=0, num=10, interval=10: restore_visible(self, start, num, 1)
if os.environ.get("PICKLE"):
    app.conf.accept_content = ["json", "pickle"]
if os.environ.get("MAX_PRIORITY") and os.environ["BROKER"].startswith("amqp"):
    app.conf.task_queue_max_priority = int(os.environ["MAX_PRIORITY"])
serve(app, worker)


@app.task(name="app.tasks.add")
def add(x, y):
    return x + y


@app.task(name="app.tasks.describe")
def describe(name, *, size=1):
    return {"name": name, "size": size}


@app.task(name="app.tasks.fail")
def fail(text):
    raise ValueError(text)


@app.task(name="app.tasks.nap")
def nap(seconds):
    time.sleep(seconds)
    return seconds
