"""Faults at points of the work that a seed chooses: something is killed, stays away for a while, and comes back."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# What ends or stops something, and what starts it again or lets it go on.
Fault = tuple[Callable[[], object], Callable[[], object]]

# Seconds for which something stays away before it is started again: at least and at most.
AWAY = (0.0, 1.5)


@dataclass
class Chaos:
    """So many times each fault, spread over so many calls; the last one after all of them."""

    faults: Mapping[str, Fault]
    seed: int
    kills: int
    count: int
    away: tuple[float, float] = AWAY
    done: Counter[str] = field(default_factory=Counter)
    # What was killed last.
    last: str = ""
    # When the last thing that was killed answered again, by the clock of `time.monotonic`.
    over: float = 0.0

    async def run(self, progress: Callable[[], int]) -> None:
        """All faults, one after the other; `progress` says how much of the work is done."""
        draw = random.Random(f"chaos {self.seed}")
        names = [name for name in self.faults for _ in range(self.kills)]
        draw.shuffle(names)
        points = sorted(draw.randrange(self.count // 50, self.count) for _ in names[1:])
        for name, point in zip(names, [*points, self.count], strict=True):
            while progress() < point:
                await asyncio.sleep(0.02)
            kill, start = self.faults[name]
            await asyncio.to_thread(kill)
            await asyncio.sleep(draw.uniform(*self.away))
            await asyncio.to_thread(start)
            self.over = time.monotonic()
            self.done[name] += 1
            self.last = name
