"""The systems that are compared; each is a package with two verbs, fit and load_detector.

A cell's config names its system. It is imported by that name, so that editing one system leaves
the cells of the others as they are.
"""

from importlib import import_module
from types import ModuleType


def system(name: str) -> ModuleType:
    """The package of a system: ``fast_rcnn``, ``rcnn`` or ``spp_net``."""
    return import_module(f"frcn.systems.{name}")
