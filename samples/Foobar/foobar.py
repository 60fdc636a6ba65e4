"""The processor of this sample in Python: foobar makes n multiples, one after the other."""

import os

from sluice import IO, IOVal, Worker

worker = Worker()
multiplier = int(os.environ["FOOBAR_MULTIPLIER"])


@worker.processor(inputs=["foo"], outputs=["bar"])
async def foobar(foo: IO[int]):
    n = await foo.first()
    for i in range(n):
        yield IOVal("bar", i * multiplier)
