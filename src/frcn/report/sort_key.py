"""The number by which a reader's cell sorts: its first one, in one unit per column."""

import re

NUMBER = re.compile(r"[−+-]?\d[\d,]*(?:\.\d+)?")
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "k": 1e3, "M": 1e6, "G": 1e9}


def sort_key(text: str) -> float | None:
    """The first number of a cell, times its unit; None of a cell without a number.

    ``3 min (×1)`` is 180, ``−1,200`` is −1200, ``≈ ×106 [96.5, 109]`` is 106. Seconds, minutes
    and hours become seconds; k, M and G become ones.
    """
    found = NUMBER.search(text)
    if found is None:
        return None
    number = float(found[0].replace("−", "-").replace(",", ""))
    unit = re.match(r" (\w+)", text[found.end() :])
    # Rounded, because 1.124 × 1e6 is not quite a whole number.
    return round(number * UNITS.get(unit[1] if unit else "", 1.0), 9)
