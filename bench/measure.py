"""Compares contenders.

They run in turn (A B A B) on one machine; figures have median and spread, and a target is met or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

Sample = Mapping[str, float]
Say = Callable[[str], None]


def interleave(contenders: Mapping[str, Callable[[], Sample]], rounds: int, say: Say) -> dict[str, list[Sample]]:
    """Run every contender once in each round.

    So a disturbance of the machine affects all of them alike.

    Args:
        contenders: Name to a function that measures once.
        rounds: Number of rounds, at least 1.
        say: Gets a line before each measurement.

    Returns:
        The samples of each, in the order of the rounds.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(1, rounds + 1):
        for name, run in contenders.items():
            say(f"{number}/{rounds} {name}")
            samples[name].append(run())
    return samples


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, min, max and n.

    An empty sequence is refused, because it has no median.
    """
    if not values:
        raise ValueError("no values")
    return {"median": median(values), "min": min(values), "max": max(values), "n": len(values)}


def spreads(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Return the spread of each figure that every sample has."""
    names = [name for name in samples[0] if all(name in sample for sample in samples)]
    return {name: spread([sample[name] for sample in samples]) for name in names}


def percentile(values: Sequence[float], q: float) -> float:
    """Return the nearest-rank percentile.

    It is the smallest value that at least `q` percent of the values do not exceed; q in (0, 100].
    """
    if not values:
        raise ValueError("no values")
    rank = math.ceil(q / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def judged(target: float, reached: float | None, *, at_most: bool = False) -> dict[str, float | bool | None]:
    """Return one entry of `targets`.

    It has the bound, the value reached, and whether this meets the bound.

    Args:
        target: Bound.
        reached: Value reached; None when it was not measured, which meets no bound.
        at_most: The bound is an upper one.
    """
    met = reached is not None and (reached <= target if at_most else reached >= target)
    return {"target": target, "reached": reached, "met": met}
