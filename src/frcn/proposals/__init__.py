"""Object proposals: the method, the store of its boxes, and how many objects they cover."""

from frcn.proposals.compute import compute_proposals, recall_table, write_recall
from frcn.proposals.recall import average_recall, recall
from frcn.proposals.selective_search import ProposalMethod, make_method
from frcn.proposals.store import ProposalStore, write_store

__all__ = [
    "ProposalMethod",
    "ProposalStore",
    "average_recall",
    "compute_proposals",
    "make_method",
    "recall",
    "recall_table",
    "write_recall",
    "write_store",
]
