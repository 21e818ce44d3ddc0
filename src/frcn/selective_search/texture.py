"""The texture of each pixel: Gaussian derivatives in eight orientations per channel.

The derivative in one direction is minus that in the opposite one, so four signed responses hold
all eight orientations. As in the original, x and y come from one filter and the diagonals from
another: a sampled Gaussian derivative with zeros outside the picture, and central differences of
a recursive Gaussian's output with border pixels repeated. With both, all published boxes come
back; with the one or the other for all axes, 86 % or 91 % of VOC 2007's image 001551 do.

Letters: H × W pixels, C channels.
Source: Uijlings et al., IJCV 2013, §3.2; Young, van Vliet & van Ginkel, IEEE Trans. Signal
Processing 50, 2002, for the recursive Gaussian.
"""

import cv2
import numba
import numpy as np

from frcn.selective_search.smoothing import gaussian_kernel

AXES = 4
"""0°, 45°, 90° and 135°; each stands for two opposite orientations."""
LEVELS = 10
"""Bins of one orientation's histogram."""
DERIVATIVE_SIGMA = 0.8
LARGEST_RESPONSE = 0.43 * 255
"""The upper end of the histograms; larger responses count at the last level. This, the σ and the
number of levels are the authors' own."""


def recursive_gaussian_kernel(sigma: float, radius: int) -> np.ndarray:
    """(2·radius + 1,) float64: what the recursive Gaussian of σ < 3.556 makes of an impulse.

    The filter runs once forwards, y[n] = B·x[n] + b₁·y[n-1] + b₂·y[n-2] + b₃·y[n-3], and once
    backwards over the outcome, so its response is the forward one's autocorrelation. At σ = 0.8
    less than 10⁻⁵ lies beyond a radius of 6. Source: Young et al., 2002.
    """
    m0, m1, m2 = 1.16680, 1.10783, 1.40586
    q = -0.2568 + 0.5784 * sigma + 0.0561 * sigma**2
    modulus = m1**2 + m2**2
    scale = (m0 + q) * (modulus + 2 * m1 * q + q**2)
    b1 = q * (2 * m0 * m1 + modulus + (2 * m0 + 4 * m1) * q + 3 * q**2) / scale
    b2 = -(q**2) * (m0 + 2 * m1 + 3 * q) / scale
    b3 = q**3 / scale
    forward = [0.0, 0.0, m0 * modulus / scale]
    for _ in range(radius + 20):
        forward.append(b1 * forward[-1] + b2 * forward[-2] + b3 * forward[-3])
    kernel = np.correlate(forward, forward, "full")
    centre = len(forward) - 1
    kernel = kernel[centre - radius : centre + radius + 1]
    return kernel / kernel.sum()


GAUSSIAN = gaussian_kernel(DERIVATIVE_SIGMA).astype(np.float32)
OFFSETS = np.arange(len(GAUSSIAN), dtype=np.float32) - len(GAUSSIAN) // 2
DERIVATIVE = GAUSSIAN * OFFSETS / np.float32(DERIVATIVE_SIGMA**2)
RECURSIVE_GAUSSIAN = recursive_gaussian_kernel(DERIVATIVE_SIGMA, 6).astype(np.float32)


def fill_texture_levels(image: np.ndarray, levels: np.ndarray) -> None:
    """Write the level of each signed response of an (H, W, C) float32 image.

    ``levels`` is (4, H, W, C) uint8: 0 … 9 towards its axis, 10 … 19 against it.
    """
    room = np.empty_like(image)  # One for all three: untouched memory costs more than a filter.
    _axis_levels(along_x(image, room), levels[0])
    _axis_levels(along_y(image, room), levels[2])
    _diagonal_levels(recursively_smoothed(image, room), levels[1], levels[3])


def along_x(image: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The sampled derivative of an (H, W, C) float32 image along x."""
    return _filtered(image, DERIVATIVE, GAUSSIAN, cv2.BORDER_CONSTANT, out)


def along_y(image: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The sampled derivative of an (H, W, C) float32 image along y."""
    return _filtered(image, GAUSSIAN, DERIVATIVE, cv2.BORDER_CONSTANT, out)


def recursively_smoothed(image: np.ndarray, out: np.ndarray) -> np.ndarray:
    """An (H, W, C) float32 image after the recursive Gaussian along x and y."""
    return _filtered(image, RECURSIVE_GAUSSIAN, RECURSIVE_GAUSSIAN, cv2.BORDER_REPLICATE, out)


def _filtered(
    image: np.ndarray, across: np.ndarray, down: np.ndarray, border: int, out: np.ndarray
) -> np.ndarray:
    filtered = cv2.sepFilter2D(image, -1, across, down, dst=out, borderType=border)
    return filtered.reshape(image.shape)


@numba.njit(cache=True)
def _level(response: np.float32) -> np.uint8:
    """0 … 9 towards the response's axis, 10 … 19 against it."""
    steps = min(abs(response) * np.float32(LEVELS / LARGEST_RESPONSE), np.float32(LEVELS - 1))
    return np.uint8(steps + (np.float32(0) if response >= 0 else np.float32(LEVELS)))


@numba.njit(cache=True)
def _axis_levels(responses: np.ndarray, levels: np.ndarray) -> None:
    responses, levels = responses.ravel(), levels.reshape(-1)
    for i in range(len(responses)):
        levels[i] = _level(responses[i])


@numba.njit(cache=True)
def _diagonal_levels(smoothed: np.ndarray, falling: np.ndarray, rising: np.ndarray) -> None:
    """Levels at 45° and 135°: central differences, border pixels repeated, turned by 45°."""
    height, width, channels = smoothed.shape
    rows = smoothed.reshape(height, -1)
    falling, rising = falling.reshape(height, -1), rising.reshape(height, -1)
    padded = np.empty((width + 2) * channels, np.float32)
    half_over_root_2 = np.float32(0.5 * np.sqrt(0.5))
    for y in range(height):
        padded[:channels] = rows[y, :channels]
        padded[channels:-channels] = rows[y]
        padded[-channels:] = rows[y, -channels:]
        above, below = rows[max(y - 1, 0)], rows[min(y + 1, height - 1)]
        for i in range(width * channels):
            x_difference = padded[i + 2 * channels] - padded[i]
            y_difference = below[i] - above[i]
            falling[y, i] = _level((y_difference + x_difference) * half_over_root_2)
            rising[y, i] = _level((y_difference - x_difference) * half_over_root_2)
