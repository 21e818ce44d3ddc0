"""Slow, plain twins of the steps of selective search, and pictures to try them on."""

import math

import numpy as np


def blobs(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """An (H, W, C) uint8 picture of noisy rectangles."""
    generator = np.random.default_rng(seed)
    image = np.full((height, width, channels), generator.integers(256, size=channels), np.int64)
    for _ in range(6):
        top, bottom = np.sort(generator.integers(0, height + 1, 2))
        left, right = np.sort(generator.integers(0, width + 1, 2))
        image[top:bottom, left:right] = generator.integers(256, size=channels)
    image += generator.integers(-8, 9, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def correlate(channel: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """An (H, W) channel correlated with two odd kernels; border pixels repeat outside."""
    height, width = channel.shape
    radius = len(across) // 2
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for j in range(-radius, radius + 1):
                for i in range(-radius, radius + 1):
                    pixel = channel[min(max(y + j, 0), height - 1), min(max(x + i, 0), width - 1)]
                    out[y, x] += across[i + radius] * down[j + radius] * pixel
    return out


def edges(image: np.ndarray) -> list[tuple[float, int, int]]:
    """(weight, pixel, pixel) of all neighbours in an (H, W, C) image, lightest first.

    Weights are rounded down to 15 significant bits.
    """
    height, width, channels = image.shape
    found = []
    for y in range(height):
        for x in range(width):
            for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
                if y + down < height and 0 <= x + right < width:
                    difference = image[y, x] - image[y + down, x + right]
                    squared = np.float32(0)
                    for value in difference:
                        squared += value * value
                    distance = np.sqrt(squared * np.float32(3 / channels))
                    other = (y + down) * width + x + right
                    found.append((rounded_down(float(distance)), y * width + x, other))
    return sorted(found, key=lambda edge: edge[0])


def rounded_down(weight: float) -> float:
    if weight < 2**-7:
        return 0.0
    mantissa, exponent = math.frexp(weight)
    return math.ldexp(math.floor(mantissa * 2**15), exponent - 15)


def segment(image: np.ndarray, k: float, min_size: float) -> np.ndarray:
    """(H, W) labels of Felzenszwalb and Huttenlocher's segmentation, components kept as sets."""
    height, width, _ = image.shape
    component = {pixel: frozenset([pixel]) for pixel in range(height * width)}
    heaviest = dict.fromkeys(component.values(), 0.0)

    def merge(a: frozenset, b: frozenset, weight: float) -> None:
        both = a | b
        heaviest[both] = weight
        component.update(dict.fromkeys(both, both))

    ordered = edges(image)
    for weight, first, second in ordered:
        a, b = component[first], component[second]
        if a is not b and weight <= min(heaviest[c] + k / len(c) for c in (a, b)):
            merge(a, b, weight)
    for weight, first, second in ordered:
        a, b = component[first], component[second]
        if a is not b and min(len(a), len(b)) < min_size:
            merge(a, b, weight)
    order = {c: None for c in (component[pixel] for pixel in range(height * width))}
    numbers = {c: n for n, c in enumerate(order)}
    return np.array([numbers[component[p]] for p in range(height * width)]).reshape(height, width)


def neighbours(labels: np.ndarray) -> list[list[int]]:
    """Ordered pairs of labels that touch along a pixel's side."""
    height, width = labels.shape
    pairs = set()
    for y in range(height):
        for x in range(width):
            for other_y, other_x in ((y, x + 1), (y + 1, x)):
                if other_y < height and other_x < width:
                    pairs.add(tuple(sorted((labels[y, x], labels[other_y, other_x]))))
    return [[int(a), int(b)] for a, b in sorted(pairs) if a != b]


def shares(counts: np.ndarray) -> list[float]:
    return [int(count) / int(counts.sum()) for count in counts]


def similarity(one: dict, other: dict, letters: str, image_size: int) -> float:
    """The sum of the measures, from dictionaries of a region's statistics."""
    total = 0.0
    for letter, key in (("C", "colour"), ("T", "texture")):
        if letter in letters:
            pairs = zip(shares(one[key]), shares(other[key]), strict=True)
            total += sum(min(a, b) for a, b in pairs)
    if "S" in letters:
        total += 1 - (one["size"] + other["size"]) / image_size
    if "F" in letters:
        x1, y1, x2, y2 = joint_box(one["box"], other["box"])
        area = (x2 - x1 + 1) * (y2 - y1 + 1)
        total += 1 - (area - one["size"] - other["size"]) / image_size
    return total


def joint_box(one: list[int], other: list[int]) -> list[int]:
    least = [min(a, b) for a, b in zip(one[:2], other[:2], strict=True)]
    return least + [max(a, b) for a, b in zip(one[2:], other[2:], strict=True)]


def group(regions: list[dict], pairs: list[list[int]], letters: str) -> list[set[int]]:
    """The two parts of every merge, all pairs compared anew each time."""
    image_size = sum(region["size"] for region in regions)
    regions = list(regions)
    pairs = {frozenset(pair) for pair in pairs}
    parts = []
    while pairs:
        best = max(
            pairs, key=lambda pair: similarity(*(regions[r] for r in pair), letters, image_size)
        )
        a, b = (regions[r] for r in best)
        regions.append(
            {
                "size": a["size"] + b["size"],
                "box": joint_box(a["box"], b["box"]),
                "colour": a["colour"] + b["colour"],
                "texture": a["texture"] + b["texture"],
            }
        )
        merged = len(regions) - 1
        renamed = (frozenset(merged if r in best else r for r in pair) for pair in pairs)
        pairs = {pair for pair in renamed if len(pair) == 2}
        parts.append(set(best))
    return parts
