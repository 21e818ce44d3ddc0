"""What parts are usually made of: a pattern, a range of brightness and about a hue.

Wheels are dark, windows bright, roofs striped: as in photographs, texture and colour help to
tell things apart, though some parts of some objects are made of anything.
"""

from dataclasses import dataclass

DARK, MIDDLE, BRIGHT = (0.1, 0.35), (0.35, 0.7), (0.7, 1.0)


@dataclass(frozen=True)
class Material:
    """A family of ``frcn.data.shapes.textures`` and a range of the brightest channel, 0…1."""

    family: str
    brightness: tuple[float, float]


MATERIALS = {
    # Detection set.
    "scales": Material("checkers", MIDDLE),
    "gills": Material("plain", MIDDLE),
    "fin": Material("stripes", BRIGHT),
    "tail": Material("stripes", BRIGHT),
    "eye": Material("plain", DARK),
    "one": Material("plain", BRIGHT),
    "two": Material("plain", DARK),
    "three": Material("plain", BRIGHT),
    "string": Material("plain", BRIGHT),
    "bow": Material("plain", BRIGHT),
    "trunk": Material("stripes", DARK),
    "tier0": Material("noise", MIDDLE),
    "tier1": Material("noise", MIDDLE),
    "side": Material("blobs", MIDDLE),
    "crown": Material("blobs", MIDDLE),
    "fruit": Material("plain", BRIGHT),
    "pole": Material("plain", DARK),
    "foot": Material("plain", DARK),
    "bulb": Material("plain", BRIGHT),
    "shade": Material("gradient", BRIGHT),
    "hem": Material("stripes", MIDDLE),
    "knob": Material("plain", DARK),
    "handle": Material("plain", DARK),
    "tub": Material("stripes", MIDDLE),
    "rim": Material("plain", DARK),
    "load": Material("blobs", BRIGHT),
    "wheel": Material("plain", DARK),
    "hub": Material("plain", BRIGHT),
    "cargo": Material("gradient", BRIGHT),
    "cabin": Material("plain", MIDDLE),
    "band": Material("plain", DARK),
    "window": Material("gradient", BRIGHT),
    "chimney": Material("plain", DARK),
    "walls": Material("noise", BRIGHT),
    "roof": Material("stripes", DARK),
    "door": Material("plain", DARK),
    "limb": Material("stripes", MIDDLE),
    "arm": Material("stripes", MIDDLE),
    "chassis": Material("plain", MIDDLE),
    "helmet": Material("plain", BRIGHT),
    "panel": Material("checkers", DARK),
    # Pre-training set.
    "stalk": Material("gradient", BRIGHT),
    "cap": Material("plain", MIDDLE),
    "spot": Material("plain", BRIGHT),
    "crook": Material("plain", DARK),
    "canopy": Material("stripes", BRIGHT),
    "field": Material("plain", DARK),
    "mast": Material("plain", DARK),
    "main": Material("plain", BRIGHT),
    "jib": Material("stripes", BRIGHT),
    "hull": Material("stripes", DARK),
    "stem": Material("plain", MIDDLE),
    "leaf": Material("stripes", MIDDLE),
    "petal": Material("gradient", BRIGHT),
    "centre": Material("checkers", DARK),
    "neck": Material("plain", MIDDLE),
    "glass": Material("gradient", MIDDLE),
    "label": Material("plain", BRIGHT),
    "horn": Material("plain", MIDDLE),
    "sole": Material("noise", MIDDLE),
    "shell": Material("blobs", BRIGHT),
    "whorl": Material("plain", DARK),
    "leg": Material("plain", DARK),
    "back": Material("stripes", MIDDLE),
    "seat": Material("checkers", MIDDLE),
    "plumage": Material("noise", DARK),
    "beak": Material("plain", BRIGHT),
    "head": Material("plain", DARK),
    "wing": Material("stripes", MIDDLE),
    "bell": Material("plain", BRIGHT),
    "dial": Material("plain", BRIGHT),
    "frame": Material("plain", DARK),
    "hand": Material("plain", DARK),
    "flame": Material("noise", BRIGHT),
    "nose": Material("plain", DARK),
    "port": Material("plain", DARK),
    "fuselage": Material("plain", BRIGHT),
    "upper": Material("blobs", MIDDLE),
    "lower": Material("checkers", MIDDLE),
    "abdomen": Material("plain", DARK),
    "china": Material("gradient", BRIGHT),
    "saucer": Material("plain", BRIGHT),
    "ball": Material("noise", BRIGHT),
    "middle": Material("noise", BRIGHT),
    "hat": Material("plain", DARK),
    "button": Material("plain", DARK),
    "bridge": Material("plain", DARK),
    "temple": Material("plain", DARK),
    "lens": Material("gradient", BRIGHT),
    "rung": Material("plain", MIDDLE),
    "rail": Material("plain", MIDDLE),
    "soundboard": Material("gradient", MIDDLE),
    "hole": Material("plain", DARK),
    "headstock": Material("plain", DARK),
}
"""By the role of a part."""

GOLDEN_RATIO = 0.618034
HUES = {role: index * GOLDEN_RATIO % 1 for index, role in enumerate(MATERIALS)}
"""The usual hue of a role, 0…1 around the colour circle, well apart for neighbours in the list."""
HUE_SPREAD = 0.06
"""Standard deviation of a part's hue about the usual one."""
