"""RoI max pooling whose gradient is the same at every run on a GPU, where that is asked for.

torchvision's backward pass, as the original's, lets threads add to the same cell of the map in
whatever order they come, and sums of floats depend on their order.
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class FixedOrderRoIPool(torch.autograd.Function):
    """(N, C, H, W) float32 or float64 map, (R, 5) RoIs of its type, P and stride → (R, C, P, P).

    Values are torchvision's. Gradients with respect to the map are summed by ``index_put_``, which
    torch keeps in a fixed order on a GPU, and on a CPU in the order of RoIs and bins while
    deterministic algorithms are asked for; RoIs get no gradient.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, feature_map: Tensor, rois: Tensor, size: int, stride: int
    ) -> Tensor:
        pooled, maxima = torch.ops.torchvision.roi_pool(feature_map, rois, 1 / stride, size, size)
        ctx.map_size = feature_map.shape
        ctx.save_for_backward(rois, maxima)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        rois, maxima = ctx.saved_tensors
        images, channels, height, width = ctx.map_size
        planes = rois[:, :1].long() * channels + torch.arange(channels, device=rois.device)
        cells = planes[:, :, None, None] * (height * width) + maxima
        # What an empty bin gets goes into a cell beside the map, to be thrown away.
        beside = images * channels * height * width
        cells = torch.where(maxima < 0, beside, cells)
        of_cells = gradient.new_zeros(beside + 1)
        of_cells.index_put_((cells.flatten(),), gradient.flatten(), accumulate=True)
        return of_cells[:beside].view(ctx.map_size), None, None, None
