"""Section ``score``: how detections are judged."""

from frcn.config.strict import Fraction, Positive, Strict


class Score(Strict):
    """Evaluation (FACTS §1.8 step 8, §4.1)."""

    nms: Fraction = 0.3
    min_overlap: Fraction = 0.5
    bootstrap_samples: Positive = 1000
    seed: int = 0
