"""A worker of stages that damages some of its answers. The item says which, and is the seed of the damage."""

import random

from sluice import Worker, _items, _stage

worker = Worker()
answer = _items.done


def damaged(number, payloads):
    frame = bytearray(answer(number, payloads))
    if len(payloads) == 1 and payloads[0].isdigit() and int(payloads[0]) >= 1_000:
        chance = random.Random(int(payloads[0]))
        # The length stays: with a longer one the pipeline waits for the rest, as for any slow worker.
        for _ in range(chance.randint(1, 3)):
            frame[chance.randrange(4, len(frame))] = chance.randrange(256)
    if payloads == [b"17"]:
        frame[4] = 4        # as if the item had failed, with texts that are cut off
    return bytes(frame)


_stage.done = damaged


@worker.stage
def same(x: int) -> int:
    return x
