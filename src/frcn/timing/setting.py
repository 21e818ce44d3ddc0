"""The sizes at which each network is timed: the paper's for S, M and L, and XS at its own."""

from dataclasses import dataclass, replace

from frcn.config import Scales


@dataclass(frozen=True)
class Setting:
    """Sizes in pixels and counts.

    Attributes:
        picture: height and width of the picture before it is scaled.
        scales: Fast R-CNN's scale (FACTS §1.1).
        pyramid: SPP-net's scales, whose long side has no cap that matters (FACTS §3.2).
        rois: proposals of the picture.
        cpu_regions: warped regions that stand for all ``rois`` of R-CNN's test on a CPU.
    """

    picture: tuple[int, int]
    scales: Scales
    pyramid: Scales
    rois: int
    cpu_regions: int


# The picture has a usual size of VOC: scaled by 1.6 it is 600 × 800. All 2000 regions would take
# a CPU minutes; 128 are a batch as on a GPU, and L is busy for seconds with 32.
PAPER = Setting(
    picture=(375, 500),
    scales=Scales(short_sides=[600], max_size=1000),
    pyramid=Scales(short_sides=[480, 576, 688, 874, 1200], max_size=4000),
    rois=2000,
    cpu_regions=128,
)

SETTINGS = {
    "XS": Setting(
        picture=(120, 160),
        scales=Scales(short_sides=[192], max_size=400),
        pyramid=Scales(short_sides=[144, 176, 208, 256, 320], max_size=660),
        rois=400,
        cpu_regions=400,
    ),
    "S": PAPER,
    "M": PAPER,
    "L": replace(PAPER, cpu_regions=32),
    "L_torchvision": replace(PAPER, cpu_regions=32),
}
