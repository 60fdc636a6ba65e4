"""The Celery application of celery-start, and the rival: the round trip of a bare task."""

import os
import sys
import time

from celery import Celery
from sluice import IO, IOVal, Worker
from sluice.celery import serve

worker = Worker()


@worker.processor(inputs=["number"], outputs=["doubled"])
async def double(number: IO[int]):
    yield IOVal("doubled", 2 * await number.first())


app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BROKER"])
app.conf.update(worker_prefetch_multiplier=1)
serve(app, worker)


@app.task(name="bench.double")
def double_task(number):
    return 2 * number


def main():
    """For each number of the input: makes that many round trips, and says the median in nanoseconds."""
    assert double_task.delay(1).get(timeout=60) == 2
    print("ready", flush=True)
    for line in sys.stdin:
        times = []
        for number in range(int(line)):
            began = time.perf_counter_ns()
            if double_task.delay(number).get(timeout=60) != 2 * number:
                raise ValueError("a wrong result")
            times.append(time.perf_counter_ns() - began)
        print(sorted(times)[len(times) // 2], flush=True)


if __name__ == "__main__":
    main()
