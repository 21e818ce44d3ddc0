"""Section ``network``: the network, and where its weights come from."""

from typing import Annotated, Literal

from pydantic import Field

from frcn.config.published_file import PinnedFile
from frcn.config.strict import Positive, Strict


class Pretraining(Strict):
    """Weights that the ``backbone`` stage trains on generated images of other classes."""

    kind: Literal["pretraining"]
    seed: int = 0
    images: Positive
    image_size: Positive
    batch_size: Positive
    steps: Positive
    learning_rate: Annotated[float, Field(gt=0)]


class CaffeWeights(Strict):
    """A caffemodel: ``member`` of an archive, or the file itself."""

    kind: Literal["caffe"]
    file: PinnedFile
    member: str | None = None


class TorchvisionWeights(Strict):
    """torchvision's VGG16."""

    kind: Literal["torchvision"]
    file: PinnedFile


Weights = Annotated[Pretraining | CaffeWeights | TorchvisionWeights, Field(discriminator="kind")]


class Network(Strict):
    """A network: its first layer, the first that learns in Fast R-CNN, its truncated-SVD ranks.

    ``rcnn_batch`` is how many warped regions R-CNN fine-tunes it on at a time. ``weights`` is where
    its pre-trained weights come from, ``published`` the original's trained VOC07 detector.
    """

    name: Literal["XS", "S", "M", "L", "L_torchvision"]
    first_layer: str
    learn_from: str
    rcnn_batch: Positive
    svd_ranks: dict[Literal["fc6", "fc7"], Positive]
    weights: Weights
    published: CaffeWeights | None = None
