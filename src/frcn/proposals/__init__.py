"""Object proposals: the methods, the store of their boxes, and how many objects they cover.

What is exported is imported when it is asked for: stages that only read stored boxes then neither
load nor depend on the search engines.
"""

from importlib import import_module

# The module of this package that each exported name comes from.
HOMES = {
    "ProposalMethod": "method",
    "ProposalSource": "source",
    "ProposalStore": "store",
    "average_recall": "recall",
    "compute_proposals": "compute",
    "dense_windows": "dense",
    "imported_boxes": "imported",
    "make_method": "method",
    "nearest_windows": "dense",
    "open_proposals": "source",
    "selective_search": "method",
    "write_store": "store",
}

__all__ = list(HOMES)


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
