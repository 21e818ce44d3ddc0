"""A network of the originals' kind that is small enough to be written, cut and converted often."""

from collections import OrderedDict

import pytest
from torch import nn

from frcn.models import networks


def _tiny() -> networks.Architecture:
    """CaffeNet in little: local response normalisation, a second layer in two groups."""
    trunk = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 4, 3, stride=2, padding=1),
            relu1=nn.ReLU(inplace=True),
            norm1=nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1),
            conv2=nn.Conv2d(4, 6, 3, padding=1, groups=2),
            relu2=nn.ReLU(inplace=True),
        )
    )
    return networks.Architecture(
        trunk,
        6,
        stride=2,
        pooled_size=2,
        pretrained_size=8,
        pretrained_cells=4,
        crop_size=8,
        first_centre=1,
        fc6=5,
        fc7=4,
    )


@pytest.fixture(name="tiny_s")
def _tiny_s(monkeypatch):
    """While a test has it, network S is tiny."""
    monkeypatch.setitem(networks._BUILDERS, "S", _tiny)
