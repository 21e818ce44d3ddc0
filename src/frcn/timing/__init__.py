"""Seconds of the three systems at the paper's scale, with random weights.

Importing this package needs no torch: the report reads the stage's files with it.
"""

from frcn.timing.measurements import Product, Row, Step, Timing, crude_cost, iqr, load, median

__all__ = ["Product", "Row", "Step", "Timing", "crude_cost", "iqr", "load", "median"]
