"""The product that tells a device's rate."""

import torch

from frcn.timing import matrix_product


def test_every_repeat_is_a_product_in_float32(monkeypatch):
    monkeypatch.setitem(matrix_product.SIDES, "cpu", 8)
    multiplied = []

    def mm(left, right, out):
        precision = torch.backends.cuda.matmul.fp32_precision
        multiplied.append((left.shape, right.shape, left.dtype, precision))

    monkeypatch.setattr(torch, "mm", mm)
    product = matrix_product.matrix_product(torch.device("cpu"))
    # One in vain, then five.
    assert multiplied == [((8, 8), (8, 8), torch.float32, "ieee")] * 6
    assert product.side == 8
    assert len(product.seconds) == 5
