"""The colour spaces of the search, each scaled so that a channel spans about 0 … 255.

All take an (H, W, 3) uint8 BGR picture and return (H, W, C) float32, with C = 1 or 3.
Source: Uijlings et al., IJCV 2013, §3.2.
"""

from collections.abc import Callable, Mapping

import cv2
import numba
import numpy as np

BT601 = (0.298936021293775, 0.587043074451121, 0.114020904255103)
"""Weights of red, green and blue in a grey value, with all their digits."""
OPPONENT = np.array(
    [
        [0.000233846, 0.00261968, 0.00127135],
        [0.000726333, 0.000718106, -0.00121377],
        [0.000846833, -0.00173932, 0.000221515],
    ]
)
"""From red, green and blue to three opponents, near those of the Gaussian colour model
(Geusebroek et al., PAMI 2001). Source: the opponent space of the University of Amsterdam's Impala
and Horus library, whose constants these are."""


def rgb(image: np.ndarray) -> np.ndarray:
    """Red, green and blue."""
    return np.ascontiguousarray(image[..., ::-1], dtype=np.float32)


def lab(image: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of sRGB: L stretched to 0 … 255, a and b moved by 128."""
    lab_float = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
    # By rows: NumPy takes many times as long to broadcast along three channels.
    rows = lab_float.reshape(len(image), -1)
    rows *= np.tile(np.float32([2.55, 1, 1]), image.shape[1])
    rows += np.tile(np.float32([0, 128, 128]), image.shape[1])
    return lab_float


def opponent(image: np.ndarray) -> np.ndarray:
    """Intensity, yellow–blue and red–green, stretched to the picture's range, rounded to 8 bits."""
    # In this order: ties between two of 256 steps depend on it.
    opponents = 255.0 * (image[..., ::-1].astype(np.float64) @ OPPONENT.T)
    lowest = opponents.min(axis=(0, 1))
    span = opponents.max(axis=(0, 1)) - lowest
    stretched = (opponents - lowest) / np.where(span > 0, span, 1)
    return np.floor(255 * stretched + 0.5).astype(np.float32)


def intensity(image: np.ndarray) -> np.ndarray:
    """The grey value, weighted as BT.601 does."""
    return cv2.cvtColor(image.astype(np.float32), cv2.COLOR_BGR2GRAY)[..., None]


def hue(image: np.ndarray) -> np.ndarray:
    """The hue of :func:`hsv` alone."""
    return np.ascontiguousarray(hsv(image)[..., :1])


def hsv(image: np.ndarray) -> np.ndarray:
    """Hue, saturation and value, rounded to 8 bits; a grey pixel's hue is 0."""
    return _per_pixel_hsv(np.ascontiguousarray(image))


def rgi(image: np.ndarray) -> np.ndarray:
    """Normalised red and green, and the grey value, rounded to 8 bits.

    A black pixel counts as grey: a third red, a third green.
    """
    return _per_pixel_rgi(np.ascontiguousarray(image))


@numba.njit(cache=True)
def _per_pixel_hsv(image: np.ndarray) -> np.ndarray:
    height, width, _ = image.shape
    out = np.empty((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            red, green, blue = _red_green_blue(image[y, x])
            value = max(red, green, blue)
            chroma = value - min(red, green, blue)
            # Hues often lie half-way between two of 256 steps: the published boxes come back
            # only if float64 breaks these ties as here, in just this order of operations.
            hue = 0.0
            if chroma > 0:
                if blue == value:
                    hue = (4 + (red - green) / chroma) / 6
                elif green == value:
                    hue = (2 + (blue - red) / chroma) / 6
                else:
                    hue = (green - blue) / chroma / 6
            if hue < 0:
                hue += 1
            out[y, x, 0] = _rounded(hue * 255)
            out[y, x, 1] = _rounded(chroma / value * 255) if value > 0 else 0.0
            out[y, x, 2] = _rounded(value * 255)
    return out


@numba.njit(cache=True)
def _per_pixel_rgi(image: np.ndarray) -> np.ndarray:
    height, width, _ = image.shape
    out = np.empty((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            # Here, too, float64 breaks ties as in the published boxes in this order only.
            red, green, blue = _red_green_blue(image[y, x])
            total = red + green + blue
            out[y, x, 0] = _rounded(red / total * 255) if total > 0 else 85.0
            out[y, x, 1] = _rounded(green / total * 255) if total > 0 else 85.0
            grey = BT601[0] * red + BT601[1] * green + BT601[2] * blue
            out[y, x, 2] = _rounded(grey * 255)
    return out


@numba.njit(cache=True)
def _red_green_blue(pixel: np.ndarray) -> tuple[float, float, float]:
    """A (3,) uint8 BGR pixel as float64 in 0 … 1."""
    return pixel[2] / 255, pixel[1] / 255, pixel[0] / 255


@numba.njit(cache=True)
def _rounded(value: float) -> float:
    """To the nearest integer, halves upwards."""
    return np.floor(value + 0.5)


COLOUR_SPACES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "rgb": rgb,
    "hsv": hsv,
    "lab": lab,
    "rgi": rgi,
    "opponent": opponent,
    "hue": hue,
    "intensity": intensity,
}
