"""The schema of resolved configs: every key, its type and its bounds, checked in one go.

Hydra composes (``conf/``); these models validate. A key that the schema does not know is an
error, and all errors of a file are reported together, each with its key.
"""

from frcn.config.cell import Cell
from frcn.config.data import Archive, Data, Folder, Shapes
from frcn.config.dense import DenseBoxes, DenseGrid
from frcn.config.detect import Test
from frcn.config.loading import load, validate
from frcn.config.network import CaffeWeights, Network, Pretraining, TorchvisionWeights, Weights
from frcn.config.profile import Profile, ProfileProposals
from frcn.config.proposals import (
    EdgeBoxes,
    ImportedBoxes,
    Interleaved,
    OpenCVSelectiveSearch,
    ProposalList,
    Proposals,
    Searched,
    SearchedList,
    SelectiveSearch,
)
from frcn.config.published_file import PinnedFile, PublishedFile
from frcn.config.scales import Scales
from frcn.config.score import Score
from frcn.config.strict import Fraction, Model, Name, Positive, Precision, Strict
from frcn.config.train import BboxRegressor, Sampling, Solver, Svm, Train

__all__ = [
    "Archive",
    "BboxRegressor",
    "CaffeWeights",
    "Cell",
    "Data",
    "DenseBoxes",
    "DenseGrid",
    "EdgeBoxes",
    "Folder",
    "Fraction",
    "ImportedBoxes",
    "Interleaved",
    "Model",
    "Name",
    "Network",
    "OpenCVSelectiveSearch",
    "PinnedFile",
    "Positive",
    "Precision",
    "Pretraining",
    "Profile",
    "ProfileProposals",
    "ProposalList",
    "Proposals",
    "PublishedFile",
    "Sampling",
    "Scales",
    "Score",
    "Searched",
    "SearchedList",
    "SelectiveSearch",
    "Shapes",
    "Solver",
    "Strict",
    "Svm",
    "Test",
    "TorchvisionWeights",
    "Train",
    "Weights",
    "load",
    "validate",
]
