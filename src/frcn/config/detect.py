"""Section ``test``: how a cell detects."""

from typing import Literal

from frcn.config.scales import Scales
from frcn.config.strict import Name, Positive, Precision, Strict


class Test(Strict):
    """The test-time procedure (FACTS §1.8)."""

    split: Name
    proposals: Positive
    scales: Scales
    precision: Precision = "float32"
    bbox_reg: bool = True
    scorer: Literal["softmax", "svm"] = "softmax"
    svd: dict[Literal["fc6", "fc7"], Positive] | None = None
    max_per_image: Positive = 100
    average_per_image: Positive = 40
