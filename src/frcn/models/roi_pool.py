"""RoI max pooling (paper §2.1; Caffe semantics in FACTS §1.6)."""

import torch
from torch import Tensor

from frcn.models.roi_pool_cpu import COMPILED, CompiledRoIPool
from frcn.models.roi_pool_fixed_order import FixedOrderRoIPool


def roi_pool(feature_map: Tensor, rois: Tensor, size: int, stride: int) -> Tensor:
    """Max-pool each RoI of a feature map into a fixed grid.

    Args:
        feature_map: (N, C, H, W) float.
        rois: (R, 5) float ``image_index x1 y1 x2 y2`` in pixels of the network's input.
        size: P, cells along each side of the grid.
        stride: input pixels per cell of the feature map.

    Returns:
        (R, C, P, P). Corners are divided by the stride and rounded half away from zero; bins
        overlap where the extent does not divide; a bin off the map is 0 without gradient.

    torchvision's kernel does exactly this; on a CPU ours takes its place, and elsewhere another
    backward pass where torch is asked for deterministic algorithms. ``tests/models`` pins all of
    them to a slow reference. Maps of half precision are pooled in float32: it holds their maxima
    as they are, adds up gradients with less loss, and has room for the corners of RoIs.
    """
    if feature_map.dtype not in COMPILED:
        return roi_pool(feature_map.float(), rois, size, stride).to(feature_map.dtype)
    if rois.dim() != 2 or rois.shape[1] != 5:
        raise ValueError(f"rois: shape {tuple(rois.shape)}, wanted (R, 5): image_index x1 y1 x2 y2")
    rois = rois.to(feature_map.dtype)
    if feature_map.device.type == "cpu":
        return CompiledRoIPool.apply(feature_map, rois, size, stride)
    # Not above: the import takes seconds, and the CPU does without it. It also registers the
    # operator that FixedOrderRoIPool calls.
    from torchvision.ops import roi_pool as torchvision_roi_pool  # noqa: PLC0415

    if torch.are_deterministic_algorithms_enabled():
        return FixedOrderRoIPool.apply(feature_map, rois, size, stride)
    return torchvision_roi_pool(feature_map, rois, size, 1 / stride)


def whole_image_rois(images: Tensor) -> Tensor:
    """(N, 5) RoIs that cover each of (N, C, H, W) images or maps: pooling as in classification."""
    n, _, height, width = images.shape
    rois = images.new_zeros((n, 5))
    rois[:, 0] = torch.arange(n, device=images.device)
    rois[:, 3] = width - 1
    rois[:, 4] = height - 1
    return rois
