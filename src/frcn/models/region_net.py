"""What the networks of the three systems share: a trunk, fc6, fc7 and the outputs (paper §2).

They differ in how a region's features come to fc6. Layer names are those of the original's model
definitions, so that all of them start from the same pre-trained weights.
Letters: N images, R regions, K classes without background.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from frcn.errors import UserError
from frcn.models.networks import build

DROPOUT = 0.5
HEAD_LAYERS = ("fc6", "fc7", "cls_score", "bbox_pred")


class RegionNet(nn.Module):
    """Network ``name`` (see ``networks.build``) for K classes and background.

    ``cells`` pooled cells of every channel go into fc6; by default P × P.
    Without ``bbox_reg`` there is no ``bbox_pred`` layer.
    """

    def __init__(
        self, name: str, num_classes: int, bbox_reg: bool = True, cells: int | None = None
    ) -> None:
        super().__init__()
        architecture = build(name)
        self.name = name
        self.stride = architecture.stride
        self.pooled_size = architecture.pooled_size
        self.pretrained_size = architecture.pretrained_size
        self.pretrained_cells = architecture.pretrained_cells
        self.crop_size = architecture.crop_size
        self.first_centre = architecture.first_centre
        # Channels-last halves the time of XS's convolutions on a CPU and suits tensor cores.
        self.trunk = architecture.trunk.to(memory_format=torch.channels_last)
        pooled_features = architecture.channels * (cells or architecture.pooled_size**2)
        self.fc6: nn.Module = nn.Linear(pooled_features, architecture.fc6)
        self.fc7: nn.Module = nn.Linear(architecture.fc6, architecture.fc7)
        self.cls_score = nn.Linear(architecture.fc7, num_classes + 1)
        self.bbox_pred = nn.Linear(architecture.fc7, 4 * (num_classes + 1)) if bbox_reg else None

    def initialise_outputs(self, generator: torch.Generator) -> None:
        """Zero-mean Gaussian outputs, std 0.01 and 0.001, zero biases (paper §2.3)."""
        for layer, std in ((self.cls_score, 0.01), (self.bbox_pred, 0.001)):
            if layer is not None:
                nn.init.normal_(layer.weight, std=std, generator=generator)
                nn.init.zeros_(layer.bias)

    def layers(self) -> list[tuple[str, nn.Module]]:
        """Layers that have parameters, from the image to the outputs, each with its name."""
        trunk = [(n, layer) for n, layer in self.trunk.named_children() if hasattr(layer, "weight")]
        head = [(n, getattr(self, n)) for n in HEAD_LAYERS if getattr(self, n) is not None]
        return trunk + head

    def freeze_before(self, learn_from: str) -> None:
        """Let the layers from ``learn_from`` on learn and freeze the ones before it.

        Raises:
            UserError: the network has no layer of that name.
        """
        names = [name for name, _ in self.layers()]
        if learn_from not in names:
            raise UserError(
                f"train.learn_from: network {self.name} has no layer {learn_from!r};"
                f" its layers are {', '.join(names)}"
            )
        first = names.index(learn_from)
        for index, (_, layer) in enumerate(self.layers()):
            layer.requires_grad_(index >= first)

    def feature_map(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images → the last convolution's (N, C, h, w) map."""
        return self.trunk(images.contiguous(memory_format=torch.channels_last))

    def fc7_features(self, pooled: Tensor) -> Tensor:
        """(R, D) pooled features → (R, fc7) activations; dropout only in training."""
        hidden = functional.dropout(functional.relu(self.fc6(pooled)), DROPOUT, self.training)
        return functional.dropout(functional.relu(self.fc7(hidden)), DROPOUT, self.training)

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """(R, fc7) activations → class scores (R, K+1) and deltas (R, 4·(K+1)) or None."""
        deltas = None if self.bbox_pred is None else self.bbox_pred(features)
        return self.cls_score(features), deltas
