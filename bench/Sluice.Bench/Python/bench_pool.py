"""The rival of the scenario python-map: the same function in a pool of processes. Prints the seconds that it took, and the sum."""

import sys
import time
from multiprocessing import Pool

from bench_stages import swap


def main(count: int, processes: int, size: int) -> None:
    fill = "x" * (size - 12)
    began = time.perf_counter()
    with Pool(processes) as pool:
        total = sum(int(text[:12]) for text in pool.imap(swap, (f"{fill}{n:012d}" for n in range(count)), chunksize=64))
    print(time.perf_counter() - began, total)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
