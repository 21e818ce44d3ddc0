"""Which strategies a search combines.

A strategy is one hierarchy: a colour space, a threshold k of the initial segmentation and a set
of similarities. A preset runs every combination of its three lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from frcn.errors import UserError
from frcn.selective_search.colour_spaces import COLOUR_SPACES
from frcn.selective_search.grouping import SIMILARITIES

ORDERS = ("random_rank", "agreement", "raster")


@dataclass(frozen=True)
class Preset:
    """The diversification of a search; vary one with ``dataclasses.replace``.

    Attributes:
        colour_spaces: keys of ``colour_spaces.COLOUR_SPACES``.
        k: thresholds of the graph-based segmentation; larger k, larger regions. Regions of fewer
            than k pixels are merged with a neighbour.
        similarities: each a string of the letters C (colour), T (texture), S (size), F (fill),
            whose sum is one measure.
        sigma: of the Gaussian, in pixels, before the segmentation.
        min_side: boxes narrower or lower than this many pixels are dropped.
        order: of the rows, one of ``ORDERS``. ``random_rank`` is the IJCV paper's;
            ``agreement`` finds more with the first few hundred boxes; ``raster`` is by
            (y1, x1, y2, x2). Only the first uses the seed; the set of boxes is always the same.

    Raises:
        UserError: a list is empty or names what does not exist, or a number is out of range.
    """

    colour_spaces: tuple[str, ...]
    k: tuple[float, ...]
    similarities: tuple[str, ...]
    sigma: float = 0.8
    min_side: int = 20
    order: str = "random_rank"

    def __post_init__(self) -> None:
        _check_names("colour_spaces", self.colour_spaces, set(COLOUR_SPACES))
        _check_names("similarities", self.similarities, None)
        _check_names("letters of similarities", "".join(self.similarities), set(SIMILARITIES))
        _check_names("k", self.k, None)
        _check_names("order", (self.order,), set(ORDERS))
        if min(self.k) <= 0 or self.sigma < 0 or self.min_side < 1:
            found = f"k {self.k}, sigma {self.sigma}, min_side {self.min_side}"
            raise UserError(f"A preset has {found}; wanted k > 0, sigma >= 0 and min_side >= 1.")


def _check_names(field: str, found: Sequence, allowed: set[str] | None) -> None:
    if not found:
        raise UserError(f"A preset's {field} is empty; wanted at least one.")
    unknown = set(found) - allowed if allowed else set()
    if unknown:
        wanted = ", ".join(sorted(allowed))
        raise UserError(f"A preset's {field} has {', '.join(sorted(unknown))}; wanted {wanted}.")


PRESETS = {
    # Uijlings et al., IJCV 2013, table 5: "Single", "Fast" and "Quality".
    "single": Preset(("hsv",), (100,), ("CTSF",)),
    "fast": Preset(("hsv", "lab"), (50, 100), ("CTSF", "TSF")),
    "quality": Preset(
        ("hsv", "lab", "rgi", "hue", "intensity"),
        (50, 100, 150, 300),
        ("CTSF", "TSF", "F", "S"),
    ),
    # van de Sande et al., ICCV 2011, with the settings that match the published VOC 2007 boxes
    # (FACTS §12); those have neither a ranking nor a smallest side.
    "iccv11": Preset(
        ("rgb", "hsv", "rgi", "opponent"), (100, 200), ("TS",), min_side=1, order="raster"
    ),
}
