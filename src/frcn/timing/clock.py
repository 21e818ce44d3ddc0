"""What is timed runs once as a warm-up, then several times."""

from collections.abc import Callable, Mapping

REPEATS = 5
FEW_REPEATS = 3
LONG = 50.0
"""Seconds after which ``FEW_REPEATS`` have to do: the stage shall stay within minutes on a CPU."""


def repeat(
    run: Callable[[], Mapping[str, float]], repeats: int = REPEATS
) -> dict[str, list[float]]:
    """Seconds by phase of every repeat of ``run``, after one that is not counted."""
    run()
    found: list[Mapping[str, float]] = []
    spent = 0.0
    while len(found) < FEW_REPEATS or (len(found) < repeats and spent < LONG):
        found.append(run())
        spent += sum(found[-1].values())
    return {phase: [seconds[phase] for seconds in found] for phase in found[0]}
