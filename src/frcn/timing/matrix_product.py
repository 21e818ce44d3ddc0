"""How fast the device multiplies and adds: the rate to which a step's seconds are held."""

import torch

from frcn.precision import float32_products
from frcn.seeding import torch_generator
from frcn.systems.phases import Phases
from frcn.timing.clock import repeat
from frcn.timing.measurements import Product

SIDES = {"cpu": 2048, "cuda": 8192}
"""Rows of the matrices. Larger ones are no faster, smaller ones do not fill the device."""


def matrix_product(device: torch.device) -> Product:
    """Time a product of two random square matrices, as precise as the steps' products are."""
    side = SIDES[device.type]
    generator = torch_generator(0, "timing matrices")
    left, right = torch.randn((2, side, side), generator=generator).to(device)
    out = torch.empty_like(left)

    def multiply() -> dict[str, float]:
        phases = Phases(device)
        with float32_products("float32"), phases("product"):
            torch.mm(left, right, out=out)
        return phases.seconds

    return Product(side=side, seconds=repeat(multiply)["product"])
