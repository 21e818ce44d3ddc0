"""The classes to detect: each is an arrangement of parts; ``materials`` says what of.

They come in pairs that share their gist, so that a detector has something to confuse: fish and
kite (a body with a tail), tree and lamp (a top on a stem), cart and truck (boxes on wheels),
house and robot (boxes with smaller boxes on them). A function draws one member of its class:
proportions and optional parts vary from call to call.
"""

from numpy.random import Generator

from frcn.data.shapes.outlines import UPPER_HALF, Part, bar, box, ellipse, polygon, ring


def fish(rng: Generator) -> list[Part]:
    """A long oval body, a forked tail, fins and an eye."""
    depth, tail, spread = rng.uniform(0.32, 0.6), rng.uniform(0.35, 0.6), rng.uniform(0.3, 0.55)
    fin = rng.uniform(0.2, 0.4)
    notch = rng.uniform(0.3, 0.7) * tail
    parts = [
        Part(
            "tail",
            polygon((-0.6, 0), (-0.75 - tail, -spread), (-0.75 - notch, 0), (-0.75 - tail, spread)),
        ),
        Part("fin", polygon((-0.35, -depth * 0.7), (0.0, -depth - fin), (0.4, -depth * 0.6))),
        Part("scales", ellipse(0, 0, 0.85, depth)),
    ]
    if rng.random() < 0.5:
        parts.append(Part("gills", ellipse(0, 0, 0.85, depth, (-50, 50))))
    if rng.random() < 0.6:
        parts.append(Part("fin", polygon((-0.2, 0.05), (0.25, 0.05), (-0.15, depth * 0.9))))
    eye = rng.uniform(0.07, 0.12)
    return [*parts, Part("eye", ellipse(0.55, -depth * 0.25, eye, eye))]


def kite(rng: Generator) -> list[Part]:
    """A four-sided sail in two or four fields, and a tail with bows."""
    width, shoulder, tail = rng.uniform(0.5, 0.8), rng.uniform(-0.45, -0.1), rng.uniform(0.5, 1.0)
    top, right = (0, -1), (width, shoulder)
    bottom, left, middle = (0, 0.75), (-width, shoulder), (0, shoulder)
    sway = rng.uniform(-0.35, 0.35)
    end = (sway, 0.75 + tail)
    first, second = ("one", "two") if rng.random() < 0.6 else ("one", "one")
    parts = [
        Part("string", bar(0, 0.7, *end, 0.07)),
        Part(first, polygon(top, middle, left)),
        Part(second, polygon(top, middle, right)),
        Part("two", polygon(left, middle, bottom)),
        Part("three", polygon(right, middle, bottom)),
    ]
    for step in (0.4, 0.95):
        x, y = sway * step, 0.75 + tail * step
        bow = rng.uniform(0.14, 0.24)
        parts.append(Part("bow", polygon((x - bow, y - 0.1), (x, y), (x - bow, y + 0.1))))
        parts.append(Part("bow", polygon((x + bow, y - 0.1), (x, y), (x + bow, y + 0.1))))
    return parts


def tree(rng: Generator) -> list[Part]:
    """A crown, of tiers or of round masses, on a trunk; fruit at times."""
    trunk, width = rng.uniform(0.1, 0.2), rng.uniform(0.5, 0.8)
    parts = [Part("trunk", box(-trunk, 0.0, trunk, 1.0, 0.3))]
    if rng.random() < 0.5:
        tiers = int(rng.integers(2, 4))
        for tier in range(tiers):
            share = 1 - 0.25 * tier
            base = 0.45 - 0.5 * tier
            tip = base - rng.uniform(0.7, 0.9)
            outline = polygon((-width * share, base), (0, tip), (width * share, base))
            parts.append(Part(f"tier{tier % 2}", outline))
    else:
        parts += [
            Part("side", ellipse(-width * 0.5, -0.1, width * 0.6, 0.4)),
            Part("side", ellipse(width * 0.5, -0.1, width * 0.6, 0.4)),
            Part("crown", ellipse(0, -0.45, width * 0.75, rng.uniform(0.45, 0.6))),
        ]
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(2, 5))):
            x, y = rng.uniform(-0.35, 0.35), rng.uniform(-0.5, 0.25)
            parts.append(Part("fruit", ellipse(x, y, 0.09, 0.09)))
    return parts


def lamp(rng: Generator) -> list[Part]:
    """A shade on a thin pole with a foot."""
    width, taper, hem = rng.uniform(0.45, 0.75), rng.uniform(0.35, 0.75), rng.uniform(-0.3, 0.0)
    pole, foot = rng.uniform(0.05, 0.1), rng.uniform(0.3, 0.5)
    parts = [
        Part("pole", box(-pole, hem - 0.1, pole, 0.95)),
        Part("foot", box(-foot, 0.83, foot, 1.0, rng.uniform(0.1, 0.6))),
        Part("bulb", ellipse(0, hem, 0.2, 0.2)),
        Part("shade", box(-width, -1.0, width, hem, taper)),
    ]
    if rng.random() < 0.6:
        edge = rng.uniform(0.12, 0.2)
        parts.append(Part("hem", box(-width, hem - edge, width, hem, taper * edge / (hem + 1.0))))
    if rng.random() < 0.4:
        parts.append(Part("knob", ellipse(0, rng.uniform(0.2, 0.6), 0.14, 0.14)))
    return parts


def cart(rng: Generator) -> list[Part]:
    """An open tub on two spoked wheels, with a slanted handle."""
    height, taper = rng.uniform(0.35, 0.6), -rng.uniform(0.1, 0.35)
    wheel, rise = rng.uniform(0.22, 0.34), rng.uniform(0.3, 0.7)
    top = 0.3 - height
    parts = [
        Part("handle", bar(0.65, 0.1, 1.15, top - rise * 0.6, 0.1)),
        Part("tub", box(-0.8, top, 0.8, 0.35, taper)),
        Part("rim", box(-0.85, top - 0.12, 0.85, top + 0.04)),
    ]
    for x in (-0.42, 0.42):
        parts.append(Part("wheel", ellipse(x, 0.45, wheel, wheel)))
        parts.append(Part("hub", ellipse(x, 0.45, wheel * 0.45, wheel * 0.45)))
    if rng.random() < 0.5:
        parts.append(Part("load", ellipse(rng.uniform(-0.4, 0.2), top, 0.35, 0.3, UPPER_HALF)))
    return parts


def truck(rng: Generator) -> list[Part]:
    """A cargo box and a lower cabin with a window, on wheels."""
    split, roof = rng.uniform(0.2, 0.4), rng.uniform(-0.75, -0.4)
    cabin, wheel = rng.uniform(-0.35, -0.1), rng.uniform(0.17, 0.25)
    parts = [
        Part("cargo", box(-1.0, roof, split, 0.35)),
        Part(
            "cabin",
            polygon((split, cabin), (0.75, cabin), (1.0, cabin + 0.35), (1.0, 0.35), (split, 0.35)),
        ),
        Part("window", box(split + 0.12, cabin + 0.08, 0.72, cabin + 0.32)),
    ]
    if rng.random() < 0.6:
        parts.append(Part("band", box(-1.0, roof + 0.3, split, roof + 0.5)))
    spots = (-0.65, 0.62) if rng.random() < 0.6 else (-0.75, -0.25, 0.62)
    for x in spots:
        parts.append(Part("wheel", ellipse(x, 0.38, wheel, wheel)))
        parts.append(Part("hub", ellipse(x, 0.38, wheel * 0.4, wheel * 0.4)))
    return parts


def house(rng: Generator) -> list[Part]:
    """Walls, a gabled roof, a door and windows; a chimney at times."""
    width, eaves = rng.uniform(0.55, 0.85), rng.uniform(-0.3, 0.0)
    ridge, overhang = eaves - rng.uniform(0.45, 0.75), rng.uniform(0.05, 0.2)
    parts = []
    if rng.random() < 0.6:
        x = rng.choice([-1, 1]) * width * 0.55
        parts.append(Part("chimney", box(x - 0.1, ridge + 0.02, x + 0.1, eaves)))
    parts += [
        Part("walls", box(-width, eaves, width, 0.9)),
        Part("roof", polygon((-width - overhang, eaves), (0, ridge), (width + overhang, eaves))),
    ]
    door, side = rng.uniform(0.14, 0.2), rng.choice([-1, 1]) * width * rng.uniform(0, 0.45)
    parts.append(Part("door", box(side - door, rng.uniform(0.25, 0.45), side + door, 0.9)))
    for x in (-0.62 * width, 0.62 * width):
        if abs(x - side) > door + 0.12:
            parts.append(Part("window", box(x - 0.14, eaves + 0.18, x + 0.14, eaves + 0.46)))
    return parts


def robot(rng: Generator) -> list[Part]:
    """Head with eyes, trunk with a panel, arms and legs."""
    head, body, leg = rng.uniform(0.25, 0.4), rng.uniform(0.35, 0.5), rng.uniform(0.09, 0.15)
    chin, hip = rng.uniform(-0.5, -0.35), rng.uniform(0.3, 0.45)
    swing = rng.uniform(-0.35, 0.35)
    parts = [
        Part("limb", box(-body * 0.75, hip, -body * 0.75 + 2 * leg, 1.0)),
        Part("limb", box(body * 0.75 - 2 * leg, hip, body * 0.75, 1.0)),
        Part("arm", bar(-body, chin + 0.15, -body - 0.3, 0.2 + swing, 1.6 * leg)),
        Part("arm", bar(body, chin + 0.15, body + 0.3, 0.2 - swing, 1.6 * leg)),
        Part("chassis", box(-body, chin, body, hip)),
        Part("helmet", box(-head, -1.0, head, chin + 0.02)),
        Part("eye", ellipse(-head * 0.45, -0.75, 0.09, 0.09)),
        Part("eye", ellipse(head * 0.45, -0.75, 0.09, 0.09)),
    ]
    if rng.random() < 0.6:
        parts.append(Part("panel", box(-body * 0.55, chin + 0.15, body * 0.55, hip - 0.2)))
    if rng.random() < 0.5:
        parts.append(Part("arm", ring(0, -1.1, 0.16, 0.07)))
    return parts


FIGURES = {
    "fish": fish,
    "tree": tree,
    "cart": cart,
    "lamp": lamp,
    "house": house,
    "kite": kite,
    "robot": robot,
    "truck": truck,
}

FREQUENCIES = {
    "fish": 0.29,
    "tree": 0.18,
    "cart": 0.13,
    "lamp": 0.11,
    "house": 0.09,
    "kite": 0.08,
    "robot": 0.07,
    "truck": 0.05,
}
"""Share of the objects: a long tail, as VOC's has persons at one end."""
