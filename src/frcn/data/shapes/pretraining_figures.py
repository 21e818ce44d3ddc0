"""The classes of the pre-training set: other arrangements of the same kinds of parts.

They stand to the classes to detect as ImageNet's stand to VOC's: other things, same world.
"""

import numpy as np
from numpy.random import Generator

from frcn.data.shapes.outlines import UPPER_HALF, Part, bar, box, ellipse, polygon, ring, star


def mushroom(rng: Generator) -> list[Part]:
    """A domed cap with spots on a stalk."""
    width, stalk = rng.uniform(0.7, 1.0), rng.uniform(0.18, 0.32)
    parts = [
        Part("stalk", box(-stalk, -0.1, stalk, 0.9, 0.25)),
        Part("cap", ellipse(0, 0, width, rng.uniform(0.6, 0.9), UPPER_HALF)),
    ]
    for x in rng.uniform(-0.6, 0.6, size=3) * width:
        parts.append(Part("spot", ellipse(x, rng.uniform(-0.4, -0.15), 0.11, 0.09)))
    return parts


def umbrella(rng: Generator) -> list[Part]:
    """A wide canopy in three fields over a thin handle with a crook."""
    height = rng.uniform(0.5, 0.75)
    return [
        Part("handle", box(-0.05, -0.1, 0.05, 0.85)),
        Part("crook", bar(0, 0.85, rng.uniform(0.2, 0.35), 0.85, 0.12)),
        Part("canopy", ellipse(0, 0, 1.0, height, UPPER_HALF)),
        Part("field", ellipse(0, 0, 0.4, height, UPPER_HALF)),
    ]


def boat(rng: Generator) -> list[Part]:
    """A hull with a mast and two sails."""
    mast, height = rng.uniform(-0.2, 0.2), rng.uniform(0.25, 0.4)
    return [
        Part("mast", box(mast - 0.05, -1.0, mast + 0.05, 0.45)),
        Part("main", polygon((mast + 0.08, -0.95), (mast + 0.08, 0.3), (0.85, 0.3))),
        Part("jib", polygon((mast - 0.08, -0.7), (mast - 0.08, 0.3), (-0.75, 0.3))),
        Part("hull", box(-1.0, 0.4, 1.0, 0.4 + height, -rng.uniform(0.25, 0.5))),
    ]


def flower(rng: Generator) -> list[Part]:
    """Petals around a centre, on a stem with a leaf."""
    count, petal = int(rng.integers(5, 8)), rng.uniform(0.45, 0.65)
    return [
        Part("stem", box(-0.06, 0, 0.06, 1.2)),
        Part("leaf", ellipse(0.3, 0.8, 0.3, 0.14)),
        Part("petal", star(0, -0.25, 0.75, 0.75 * petal, count)),
        Part("centre", ellipse(0, -0.25, 0.24, 0.24)),
    ]


def bottle(rng: Generator) -> list[Part]:
    """A body with a label, a narrow neck and a cap."""
    width, shoulder, neck = rng.uniform(0.3, 0.5), rng.uniform(-0.4, -0.1), rng.uniform(0.1, 0.18)
    return [
        Part("neck", box(-neck, -0.9, neck, shoulder)),
        Part("glass", box(-width, shoulder - 0.12, width, 1.0, 0.15)),
        Part("label", box(-width, shoulder + 0.3, width, 0.7)),
        Part("cap", box(-neck - 0.05, -1.0, neck + 0.05, -0.78)),
    ]


def snail(rng: Generator) -> list[Part]:
    """A ringed shell on a flat body with horns."""
    shell = rng.uniform(0.5, 0.7)
    return [
        Part("horn", bar(0.85, 0.4, rng.uniform(0.85, 1.1), -0.1, 0.09)),
        Part("sole", polygon((-1.0, 0.75), (-0.3, 0.4), (0.7, 0.3), (1.0, 0.4), (0.9, 0.75))),
        Part("shell", ellipse(-0.1, 0.05, shell, shell)),
        Part("whorl", ring(-0.1, 0.05, shell * 0.7, shell * 0.25)),
    ]


def chair(rng: Generator) -> list[Part]:
    """A seat with a tall back and thin legs."""
    seat, width = rng.uniform(0.0, 0.25), rng.uniform(0.5, 0.7)
    return [
        Part("leg", box(-width, seat, -width + 0.14, 1.0)),
        Part("leg", box(width - 0.14, seat, width, 1.0)),
        Part("back", box(-width, -1.0, -width + rng.uniform(0.2, 0.35), seat + 0.1)),
        Part("seat", box(-width, seat, width, seat + rng.uniform(0.16, 0.28))),
    ]


def bird(rng: Generator) -> list[Part]:
    """A drop-shaped body, a round head with a beak, a wing and legs."""
    head, depth = rng.uniform(0.24, 0.34), rng.uniform(0.35, 0.5)
    return [
        Part("leg", box(-0.1, 0.3, -0.02, 1.0)),
        Part("leg", box(0.15, 0.3, 0.23, 1.0)),
        Part(
            "plumage", polygon((-1.1, -0.1), (-0.2, -depth), (0.5, -0.3), (0.4, 0.4), (-0.3, depth))
        ),
        Part("beak", polygon((0.75, -0.62), (1.15, -0.5), (0.75, -0.4))),
        Part("head", ellipse(0.5, -0.5, head, head)),
        Part("wing", polygon((-0.7, 0.1), (0.2, -0.25), (0.15, 0.2))),
    ]


def clock(rng: Generator) -> list[Part]:
    """A dial in a rim with two hands, and bells on top."""
    hour, minute = rng.uniform(0, 2 * np.pi, size=2)
    return [
        Part("bell", ellipse(-0.6, -0.85, 0.3, 0.25)),
        Part("bell", ellipse(0.6, -0.85, 0.3, 0.25)),
        Part("dial", ellipse(0, 0, 0.9, 0.9)),
        Part("frame", ring(0, 0, 1.0, rng.uniform(0.15, 0.3))),
        Part("hand", bar(0, 0, 0.4 * np.cos(hour), 0.4 * np.sin(hour), 0.14)),
        Part("hand", bar(0, 0, 0.65 * np.cos(minute), 0.65 * np.sin(minute), 0.1)),
    ]


def rocket(rng: Generator) -> list[Part]:
    """A slim hull with a nose cone, a porthole, fins and a flame."""
    width, fin = rng.uniform(0.22, 0.32), rng.uniform(0.25, 0.45)
    return [
        Part(
            "flame", polygon((-width * 0.7, 0.6), (0, rng.uniform(0.95, 1.3)), (width * 0.7, 0.6))
        ),
        Part("fin", polygon((-width, 0.1), (-width - fin, 0.7), (-width, 0.6))),
        Part("fin", polygon((width, 0.1), (width + fin, 0.7), (width, 0.6))),
        Part("fuselage", box(-width, -0.5, width, 0.65)),
        Part("nose", polygon((-width, -0.5), (0, rng.uniform(-1.2, -0.95)), (width, -0.5))),
        Part("port", ellipse(0, -0.2, width * 0.5, width * 0.5)),
    ]


def butterfly(rng: Generator) -> list[Part]:
    """Four wings about a narrow body."""
    upper, lower = rng.uniform(0.4, 0.55), rng.uniform(0.28, 0.42)
    parts = [Part("abdomen", ellipse(0, 0, 0.12, 0.75))]
    for side in (-1, 1):
        parts.insert(0, Part("upper", ellipse(side * 0.5, -0.4, 0.5, upper)))
        parts.insert(0, Part("lower", ellipse(side * 0.4, 0.4, 0.4, lower)))
        parts.append(Part("spot", ellipse(side * 0.6, -0.4, 0.18, 0.18)))
    return parts


def cup(rng: Generator) -> list[Part]:
    """A beaker with a round handle, a band and a saucer."""
    taper = -rng.uniform(0.0, 0.4)
    return [
        Part("handle", ring(0.7, 0.0, 0.42, 0.16)),
        Part("china", box(-0.7, -0.6, 0.7, 0.65, taper)),
        Part("band", box(-0.66, -0.35, 0.66, rng.uniform(-0.1, 0.1), taper * 0.4)),
        Part("saucer", box(-0.9, 0.62, 0.9, 0.8, -0.4)),
    ]


def snowman(rng: Generator) -> list[Part]:
    """Three balls on one another, with a hat and buttons."""
    waist = rng.uniform(0.32, 0.45)
    return [
        Part("ball", ellipse(0, 0.6, 0.55, 0.5)),
        Part("middle", ellipse(0, -0.05, waist, 0.38)),
        Part("ball", ellipse(0, -0.55, 0.28, 0.28)),
        Part("hat", box(-0.22, -1.2, 0.22, -0.75)),
        Part("hat", box(-0.4, -0.82, 0.4, -0.72)),
        Part("button", ellipse(0, -0.15, 0.07, 0.07)),
        Part("button", ellipse(0, 0.15, 0.07, 0.07)),
    ]


def glasses(rng: Generator) -> list[Part]:
    """Two framed lenses with a bridge and temples."""
    radius, width = rng.uniform(0.36, 0.46), rng.uniform(0.1, 0.18)
    parts = [Part("bridge", bar(-0.3, -0.05, 0.3, -0.05, 0.12))]
    for side in (-1, 1):
        parts.append(Part("temple", bar(side * 0.85, -0.1, side * 1.1, -0.55, 0.1)))
        parts.append(Part("lens", ellipse(side * 0.52, 0, radius, radius)))
        parts.append(Part("frame", ring(side * 0.52, 0, radius, width)))
    return parts


def ladder(rng: Generator) -> list[Part]:
    """Two rails with rungs."""
    count, width = int(rng.integers(4, 7)), rng.uniform(0.35, 0.55)
    parts = [
        Part("rung", bar(-width, y, width, y, 0.11))
        for y in (-0.8 + 1.6 * (i / count) for i in range(count + 1))
    ]
    return [
        *parts,
        Part("rail", box(-width - 0.1, -1.0, -width + 0.06, 1.0)),
        Part("rail", box(width - 0.06, -1.0, width + 0.1, 1.0)),
    ]


def guitar(rng: Generator) -> list[Part]:
    """A waisted body with a sound hole, a long neck and a head."""
    upper, lower = rng.uniform(0.28, 0.38), rng.uniform(0.4, 0.52)
    return [
        Part("soundboard", ellipse(0, 0.15, upper, 0.33)),
        Part("soundboard", ellipse(0, 0.6, lower, 0.42)),
        Part("hole", ellipse(0, 0.35, 0.14, 0.14)),
        Part("bridge", box(-0.2, 0.7, 0.2, 0.8)),
        Part("neck", box(-0.07, -0.9, 0.07, 0.3)),
        Part("headstock", box(-0.15, -1.2, 0.15, -0.88, -0.3)),
    ]


FIGURES = {
    "bird": bird,
    "boat": boat,
    "bottle": bottle,
    "butterfly": butterfly,
    "chair": chair,
    "clock": clock,
    "cup": cup,
    "flower": flower,
    "glasses": glasses,
    "guitar": guitar,
    "ladder": ladder,
    "mushroom": mushroom,
    "rocket": rocket,
    "snail": snail,
    "snowman": snowman,
    "umbrella": umbrella,
}
