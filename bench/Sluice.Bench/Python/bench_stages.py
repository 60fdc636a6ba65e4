"""The stages of the scenario python-map."""

from typing import List

from bench_function import swap
from sluice import Worker

worker = Worker()
worker.stage(swap)


@worker.stage(batch=True)
def swap_all(texts: List[str]) -> List[str]:
    return [swap(text) for text in texts]
