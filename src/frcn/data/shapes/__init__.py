"""The generated data set: pictures of things made of parts, with a pre-training set of others.

``generate`` writes the detection set as a VOC devkit tree; ``pretraining_batch`` draws images of
the classification set that the networks are pre-trained on. What makes a class is how its parts
are arranged, and what they are usually made of; colours vary, and parts contrast with one
another, so that bottom-up proposals find objects only roughly, as they do in photographs.
"""

from frcn.data.shapes.pretraining import PRETRAINING_CLASSES, pretraining_batch
from frcn.data.shapes.scene import Scene, render
from frcn.data.shapes.writer import CLASSES, generate

__all__ = [
    "CLASSES",
    "PRETRAINING_CLASSES",
    "Scene",
    "generate",
    "pretraining_batch",
    "render",
]
