"""The rival of the scenario python-map: the same function in a pool of processes. Prints the sum."""

import sys
from multiprocessing import Pool

from bench_function import swap


def main(count: int, processes: int, size: int) -> None:
    fill = "x" * (size - 12)
    with Pool(processes) as pool:
        total = sum(int(text[:12]) for text in pool.imap(swap, (f"{fill}{n:012d}" for n in range(count)), chunksize=64))
    print(total)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
