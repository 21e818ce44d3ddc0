"""The one place that reports progress of long work: rate, time left, and a few live values."""

import sys

from tqdm import tqdm

# Without a terminal (DVC logs, CI) a carriage-return bar is noise: a line now and then is enough.
SECONDS_BETWEEN_LINES = 10.0


def progress(total: int, description: str, unit: str, initial: int = 0, shown: bool = True) -> tqdm:
    """A progress bar for ``total`` units of work, of which ``initial`` were done before.

    Bytes (unit ``B``) are told in kB, MB and GB. Not ``shown`` in all but one of several processes
    that work on the same.

    Use as a context manager; call ``update(n)`` and ``set_postfix(loss=…)`` on it.
    """
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        unit_scale=unit == "B",
        initial=initial,
        disable=not shown,
        file=sys.stderr,
        dynamic_ncols=True,
        mininterval=0.5 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES,
    )
