"""The networks: XS for two CPU cores, and the paper's S, M and L.

S is CaffeNet, M is VGG_CNN_M_1024, L is VGG16 (paper §4.1; layers in FACTS §1.4). XS is VGG16
scaled down: the same five blocks of 3×3 convolutions, one convolution each, no pooling after
the fourth, so that its stride of 8 suits pictures of a few hundred pixels. L_torchvision is L.
Layer names are those of the original's model definitions.
"""

from collections import OrderedDict
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Architecture:
    """The shape of a network around RoI pooling.

    Attributes:
        trunk: layers from the image to the last convolution's ReLU.
        channels: channels of the last feature map.
        stride: input pixels per cell of that map.
        pooled_size: P, the RoI pooling grid is P × P.
        pretrained_size: side in pixels of the pictures that its weights were pre-trained on.
        pretrained_cells: cells of the map along that side (FACTS §1.4).
        crop_size: side of the regions that R-CNN warps for it (FACTS §2.2).
        first_centre: centre of the map's first cell, 1-based pixels (FACTS §1.4).
        fc6, fc7: widths of the fully connected layers.
    """

    trunk: nn.Sequential
    channels: int
    stride: int
    pooled_size: int
    pretrained_size: int
    pretrained_cells: int
    crop_size: int
    first_centre: float
    fc6: int
    fc7: int


def build(name: str) -> Architecture:
    """The architecture called ``name``, an entry of ``_BUILDERS``, with torch's initial weights."""
    return _BUILDERS[name]()


def _xs() -> Architecture:
    blocks = [[16], [32], [64], [96], [96]]
    return Architecture(
        _vgg(blocks, pools=3),
        96,
        stride=8,
        pooled_size=6,
        pretrained_size=48,
        pretrained_cells=6,
        crop_size=48,
        first_centre=4.5,
        fc6=256,
        fc7=256,
    )


def _s() -> Architecture:
    # Order conv, ReLU, pool, norm. The padding of conv1, pool1 and pool2 is Fast R-CNN's own:
    # CaffeNet as trained on ImageNet has none there (FACTS §1.4).
    trunk = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 96, 11, stride=4, padding=5),
            relu1=nn.ReLU(inplace=True),
            pool1=_max_pool(3, padding=1),
            norm1=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1),
            conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
            relu2=nn.ReLU(inplace=True),
            pool2=_max_pool(3, padding=1),
            norm2=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
            relu5=nn.ReLU(inplace=True),
        )
    )
    return Architecture(
        trunk,
        256,
        stride=16,
        pooled_size=6,
        pretrained_size=224,
        pretrained_cells=15,
        crop_size=227,
        first_centre=1,
        fc6=4096,
        fc7=4096,
    )


def _m() -> Architecture:
    # Order conv, ReLU, norm, pool.
    trunk = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 96, 7, stride=2),
            relu1=nn.ReLU(inplace=True),
            norm1=nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2),
            pool1=_max_pool(3),
            conv2=nn.Conv2d(96, 256, 5, stride=2, padding=1),
            relu2=nn.ReLU(inplace=True),
            norm2=nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2),
            pool2=_max_pool(3),
            conv3=nn.Conv2d(256, 512, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(512, 512, 3, padding=1),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(512, 512, 3, padding=1),
            relu5=nn.ReLU(inplace=True),
        )
    )
    return Architecture(
        trunk,
        512,
        stride=16,
        pooled_size=6,
        pretrained_size=224,
        pretrained_cells=13,
        crop_size=224,
        first_centre=18,
        fc6=4096,
        fc7=1024,
    )


def _l() -> Architecture:
    blocks = [[64, 64], [128, 128], [256] * 3, [512] * 3, [512] * 3]
    return Architecture(
        _vgg(blocks, pools=4),
        512,
        stride=16,
        pooled_size=7,
        pretrained_size=224,
        pretrained_cells=14,
        crop_size=224,
        first_centre=8.5,
        fc6=4096,
        fc7=4096,
    )


def _vgg(blocks: list[list[int]], pools: int) -> nn.Sequential:
    """3×3 convolutions in blocks; 2×2 max pooling after each of the first ``pools`` blocks."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for block, widths in enumerate(blocks, start=1):
        for index, width in enumerate(widths, start=1):
            layers[f"conv{block}_{index}"] = nn.Conv2d(channels, width, 3, padding=1)
            layers[f"relu{block}_{index}"] = nn.ReLU(inplace=True)
            channels = width
        if block <= pools:
            layers[f"pool{block}"] = _max_pool(2)
    return nn.Sequential(layers)


def _max_pool(size: int, padding: int = 0) -> nn.MaxPool2d:
    """Caffe's max pooling: stride 2, output size rounded up (FACTS §1.5)."""
    return nn.MaxPool2d(size, stride=2, padding=padding, ceil_mode=True)


# torchvision's VGG16 has other weights and another pre-processing than Caffe's: a name of its own.
_BUILDERS = {"XS": _xs, "S": _s, "M": _m, "L": _l, "L_torchvision": _l}
