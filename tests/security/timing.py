"""Whether two sets of times could be told apart by who measures them: by their medians, and by Mann and Whitney's test.

A bound in milliseconds would say more about the machine than about us. What is timed is in the tests.
"""

import math
from dataclasses import dataclass
from statistics import median

MEDIANS_APART = 0.05
P_VALUE = 0.01


@dataclass(frozen=True, slots=True)
class Compared:
    """Medians in seconds, and how likely such a difference would be if there was none."""

    left_s: float
    right_s: float
    p: float

    @property
    def are_alike(self) -> bool:
        """Medians within 5 %, or a difference that chance explains."""
        return abs(self.left_s - self.right_s) / self.right_s < MEDIANS_APART or self.p > P_VALUE

    def __str__(self) -> str:
        return f"medians {self.left_s * 1e3:.2f} and {self.right_s * 1e3:.2f} ms, p = {self.p:.3f}"


def compare(left_s: list[float], right_s: list[float]) -> Compared:
    """Two sets of times, measured in turns."""
    return Compared(median(left_s), median(right_s), _p_value(left_s, right_s))


def _p_value(left: list[float], right: list[float]) -> float:
    """Two-sided, by the normal approximation that 200 samples allow."""
    ranked = sorted([(value, 0) for value in left] + [(value, 1) for value in right])
    rank_sum = sum(rank for rank, (_, side) in enumerate(ranked, 1) if side == 0)
    n, m = len(left), len(right)
    u = rank_sum - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))
