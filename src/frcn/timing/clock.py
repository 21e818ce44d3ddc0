"""What is timed runs once as a warm-up, then several times."""

from collections.abc import Callable, Mapping

REPEATS = 5
FEW_REPEATS = 3
LONG = 10.0
"""Seconds from which ``FEW_REPEATS`` have to do: the stage shall stay within minutes on a CPU."""


def repeat(run: Callable[[], Mapping[str, float]]) -> dict[str, list[float]]:
    """Seconds by phase of every repeat of ``run``, after one that is not counted."""
    warm_up = run()
    repeats = FEW_REPEATS if sum(warm_up.values()) > LONG else REPEATS
    found = [run() for _ in range(repeats)]
    return {phase: [seconds[phase] for seconds in found] for phase in warm_up}
