"""The functions of the scenario python-map."""

from typing import List

from sluice import Worker

worker = Worker()


@worker.stage
def swap(text: str) -> str:
    return text[-12:] + text[:-12]


@worker.stage(batch=True)
def swap_all(texts: List[str]) -> List[str]:
    return [swap(text) for text in texts]
