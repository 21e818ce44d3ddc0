"""Fast R-CNN and the systems it is compared with, as a reproducibility suite."""
