"""How contenders are compared: A B A B on one machine, median and spread, and a target that is met or not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

Sample = Mapping[str, float]
Say = Callable[[str], None]


def interleave(contenders: Mapping[str, Callable[[], Sample]], rounds: int, say: Say) -> dict[str, list[Sample]]:
    """Run every contender once in each round, so that what disturbs the machine disturbs all of them alike.

    Args:
        contenders: Name to one measurement.
        rounds: At least 1.
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
    """Return median, min, max and n; refuses an empty sequence, which has none of them."""
    if not values:
        raise ValueError("no values")
    return {"median": median(values), "min": min(values), "max": max(values), "n": len(values)}


def spreads(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Return the spread of each figure that every sample has."""
    names = [name for name in samples[0] if all(name in sample for sample in samples)]
    return {name: spread([sample[name] for sample in samples]) for name in names}


def percentile(values: Sequence[float], q: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least `q` percent do not exceed; q in (0, 100]."""
    if not values:
        raise ValueError("no values")
    rank = math.ceil(q / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def judged(target: float, reached: float | None, *, at_most: bool = False) -> dict[str, float | bool | None]:
    """Return what stands under `targets`: the bound, what was reached, and whether that meets it.

    Args:
        target: Bound.
        reached: Figure; None when it was not measured, which meets nothing.
        at_most: The bound is an upper one.
    """
    met = reached is not None and (reached <= target if at_most else reached >= target)
    return {"target": target, "reached": reached, "met": met}
