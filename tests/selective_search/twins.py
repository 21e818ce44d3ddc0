"""Slow, plain twins of the steps of selective search, and pictures to try them on."""

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


def correlate(
    channel: np.ndarray, across: np.ndarray, down: np.ndarray, repeat: bool = True
) -> np.ndarray:
    """An (H, W) channel correlated with two odd kernels; outside border pixels repeat, or zeros."""
    height, width = channel.shape
    radius = len(across) // 2
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for j in range(-radius, radius + 1):
                for i in range(-radius, radius + 1):
                    inside = 0 <= y + j < height and 0 <= x + i < width
                    pixel = channel[min(max(y + j, 0), height - 1), min(max(x + i, 0), width - 1)]
                    if inside or repeat:
                        out[y, x] += across[i + radius] * down[j + radius] * pixel
    return out


def sampled_derivatives(channel: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian derivatives of an (H, W) channel along x and y, zeros outside."""
    x = np.arange(-4, 5)
    gaussian = np.exp(-0.5 * (x / sigma) ** 2)
    gaussian /= gaussian.sum()
    derivative = gaussian * x / sigma**2
    return (
        correlate(channel, derivative, gaussian, repeat=False),
        correlate(channel, gaussian, derivative, repeat=False),
    )


def recursive_gaussian(values: list[float], sigma: float) -> list[float]:
    """A signal through Young, van Vliet and van Ginkel's filter; end values repeat outside.

    The factors of its denominator, (1 - z/d₁)(1 - z/d₂)(1 - z/d₃), are multiplied out as such.
    """
    m0, m1, m2 = 1.16680, 1.10783, 1.40586
    q = -0.2568 + 0.5784 * sigma + 0.0561 * sigma**2
    poles = [q / (m0 + q), q / (m1 + q + 1j * m2), q / (m1 + q - 1j * m2)]
    denominator = np.poly(poles).real
    outside = 40
    values = [values[0]] * outside + list(values) + [values[-1]] * outside
    for _ in range(2):
        filtered = [values[0]] * 3
        for value in values:
            past = sum(denominator[i] * filtered[-i] for i in (1, 2, 3))
            filtered.append(denominator.sum() * value - past)
        values = filtered[3:][::-1]
    return values[outside:-outside]


def recursively_smoothed(channel: np.ndarray, sigma: float) -> np.ndarray:
    """An (H, W) channel through the recursive Gaussian along x, then along y."""
    across = np.array([recursive_gaussian(row, sigma) for row in channel])
    return np.array([recursive_gaussian(column, sigma) for column in across.T]).T


def diagonal_derivatives(channel: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Along 45° and 135°: differences of the smoothed channel's neighbours, turned."""
    smoothed = recursively_smoothed(channel, sigma)
    height, width = channel.shape
    falling, rising = np.zeros_like(smoothed), np.zeros_like(smoothed)
    for y in range(height):
        for x in range(width):
            dx = (smoothed[y, min(x + 1, width - 1)] - smoothed[y, max(x - 1, 0)]) / 2
            dy = (smoothed[min(y + 1, height - 1), x] - smoothed[max(y - 1, 0), x]) / 2
            falling[y, x] = (dx + dy) / 2**0.5
            rising[y, x] = (dy - dx) / 2**0.5
    return falling, rising


def edges(image: np.ndarray) -> list[tuple[float, int, int]]:
    """(weight, pixel, pixel) of all neighbours in an (H, W, C) image, lightest first."""
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
                    found.append((float(distance), y * width + x, other))
    return sorted(found, key=lambda edge: edge[0])


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


def overlap(one: tuple, other: tuple) -> float:
    """Intersection over union of two inclusive boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0]) + 1
    height = min(one[3], other[3]) - max(one[1], other[1]) + 1
    both = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (one, other)]
    return both / (sum(areas) - both)


def agreement_scores(hierarchies: list[np.ndarray], min_side: int) -> dict[tuple, float]:
    """The score of each box before any is chosen."""
    positions, found = {}, []
    for boxes in hierarchies:
        found.append([])
        for row, box in enumerate(map(tuple, boxes.tolist())):
            if min(box[2] - box[0], box[3] - box[1]) + 1 >= min_side:
                found[-1].append(box)
                position = len(boxes) - row
                positions[box] = min(position, positions.get(box, position))
    return {
        box: sum(max((overlap(box, b) for b in boxes), default=0) for boxes in found) ** 2
        / position**0.25
        for box, position in positions.items()
    }
