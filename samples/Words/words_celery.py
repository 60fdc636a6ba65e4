"""The Celery application of this sample: its workers execute the extractor of words.py."""

import os

from celery import Celery
from sluice.celery import serve
from words import worker

app = Celery("words", broker=os.environ["WORDS_BROKER"])
app.conf.update(worker_prefetch_multiplier=1)
serve(app, worker)
