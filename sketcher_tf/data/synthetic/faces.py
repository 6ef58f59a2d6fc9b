"""Faces with the four factors of FaceX, drawn by small programs.

A data set for factored conditions: every combination of gender, view, emotion
and style has drawings, and every factor changes what is seen. Style, view and
gender make the head, emotion and style the features in it.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sketcher_tf.data.formats.drawing import Drawing
from sketcher_tf.data.synthetic.pen import (
    Hand,
    Stroke,
    arc,
    path,
    scalloped,
    to_stroke3,
)

FACTORS: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "view": ("front", "side"),
    "emotion": (
        "angry",
        "disgust",
        "fear",
        "happy",
        "neutral",
        "sad",
        "surprise",
    ),
    "style": ("cartoon", "round", "angular"),
}


@dataclass(frozen=True)
class Mood:
    """What an emotion does to a face.

    Attributes:
        inner: how far the inner end of a brow is raised.
        outer: the same of its outer end.
        eye: how wide an eye is open; 1 is usual, below 0.5 is shut.
        mouth: its strokes as `x,y`, in hundredths of half its width.
    """

    inner: float
    outer: float
    eye: float
    mouth: tuple[str, ...]


_MOODS = {
    "angry": Mood(
        inner=-0.15,
        outer=0.1,
        eye=0.7,
        mouth=("-80,-30 80,-30 100,40 -100,40 -80,-30", "-90,5 90,5"),
    ),
    "disgust": Mood(
        inner=-0.1,
        outer=-0.02,
        eye=0.3,
        mouth=(
            "-100,35 -50,-15 40,-10 100,40",
            "-35,-10 -35,80 10,110 45,70 45,-5",
        ),
    ),
    "fear": Mood(
        inner=0.18,
        outer=-0.02,
        eye=1.3,
        mouth=("-100,30 -60,-20 -20,30 20,-20 60,30 100,-20",),
    ),
    "happy": Mood(
        inner=0.06,
        outer=0.03,
        eye=1.0,
        mouth=("-100,-30 100,-30", "100,-30 65,50 0,80 -65,50 -100,-30"),
    ),
    "neutral": Mood(inner=0.0, outer=0.0, eye=1.0, mouth=("-80,0 80,0",)),
    "sad": Mood(
        inner=0.14,
        outer=-0.1,
        eye=0.7,
        mouth=("-85,50 -45,0 45,0 85,50",),
    ),
    "surprise": Mood(
        inner=0.2,
        outer=0.17,
        eye=1.5,
        mouth=("-30,-60 30,-60 55,10 30,80 -30,80 -55,10 -30,-60",),
    ),
}


@dataclass(frozen=True)
class Look:
    """The outlines of a style, as `x,y` in hundredths; a head is 2 high.

    Attributes:
        smooth: whether outlines are curves; otherwise they have corners.
        jaw: seen from the front, the right half, from temple to chin.
        nose: seen from the front.
        profile: from the forehead to the neck, facing left.
        front_hair: by gender, the strokes of the hair from the front.
        side_hair: by gender, the same from the side.
    """

    smooth: bool
    jaw: str
    nose: str
    profile: str
    front_hair: dict[str, tuple[str, ...]]
    side_hair: dict[str, tuple[str, ...]]


_LOOKS = {
    "cartoon": Look(
        smooth=True,
        jaw="72,-35 77,15 60,65 25,98",
        nose="2,-5 -13,20 6,24",
        profile=(
            "-62,-62 -70,-30 -66,-8 -105,22 -72,32 -76,44 -64,52 -70,64 "
            "-60,72 -58,94 -25,100 0,85 2,120"
        ),
        front_hair={
            "male": (
                "-74,-20 -84,-75 -40,-120 30,-127 82,-80 74,-20",
                "-74,-20 -55,-62 10,-62 45,-85 74,-20",
            ),
            "female": (
                "-55,78 -80,115 -112,105 -98,30 -92,-60 -45,-115 "
                "45,-115 92,-60 98,30 112,105 80,115 55,78",
                "-74,-20 -50,-62 15,-98",
                "15,-98 55,-68 74,-20",
            ),
        },
        side_hair={
            "male": (
                "-62,-60 -75,-100 -20,-125 60,-105 95,-35 72,50 68,120",
                "-62,-60 -15,-62 0,-5",
            ),
            "female": (
                "-62,-60 -35,-112 30,-120 90,-75 100,20 125,110 85,120 40,105",
                "-62,-60 -5,-60 12,5 10,60 40,105",
            ),
        },
    ),
    "round": Look(
        smooth=True,
        jaw="86,-40 96,10 80,60 40,90",
        nose="-10,12 0,22 10,12",
        profile=(
            "-70,-60 -82,-15 -98,5 -95,22 -80,26 -82,55 -66,85 -30,100 "
            "10,90 10,115"
        ),
        front_hair={
            "male": ("-86,-40 -30,-62 30,-62 86,-40",),
            "female": (
                "-86,-40 -65,-95 0,-115 65,-95 86,-40",
                "-86,-40 -40,-50 0,-112",
                "0,-112 40,-50 86,-40",
            ),
        },
        side_hair={
            "male": ("95,-10 80,55 62,80 62,115", "-70,-60 -10,-55 5,0"),
            "female": (
                "-70,-60 -40,-105 20,-115 80,-75 92,-10 75,55 60,70 60,115",
                "-70,-60 -25,-50 5,0 20,50 62,70",
            ),
        },
    ),
    "angular": Look(
        smooth=False,
        jaw="70,-40 70,30 50,78 18,105",
        nose="4,-15 -14,25 8,25",
        profile=(
            "-60,-62 -68,-20 -108,26 -70,30 -78,46 -62,52 -72,64 -62,102 "
            "-30,105 2,80 2,120"
        ),
        front_hair={
            "male": (
                "-72,-25 -88,-80 -55,-80 -40,-125 -10,-98 20,-135 38,-95 "
                "75,-115 72,-75 72,-25",
                "-72,-25 -60,-60 60,-65 72,-25",
            ),
            "female": (
                "-55,78 -105,115 -92,-55 -50,-120 50,-120 92,-55 105,115 55,78",
                "-72,-20 -66,-58 66,-58 72,-20",
            ),
        },
        side_hair={
            "male": (
                "-60,-60 -85,-110 -40,-100 -20,-135 15,-105 55,-130 65,-85 "
                "100,-80 90,-20 65,50 65,120",
                "-60,-60 -10,-62 0,-5",
            ),
            "female": (
                "-60,-60 -40,-115 50,-120 95,-70 110,115 40,105",
                "-60,-60 5,-55 10,50 40,105",
            ),
        },
    ),
}


@dataclass(frozen=True)
class Portrait:
    """One face to draw: who, in which mood and style, by which hand."""

    hand: Hand
    gender: str
    mood: Mood
    style: str

    @property
    def look(self) -> Look:
        """The outlines of its style."""
        return _LOOKS[self.style]

    def trace(self, points: Sequence[complex]) -> Stroke:
        """Through the points, round or with corners as the style has it."""
        if self.look.smooth:
            return self.hand.curve(*points)
        return self.hand.line(*points)


def _front(portrait: Portrait) -> list[Stroke]:
    hand, look = portrait.hand, portrait.look
    right = path(look.jaw)
    chin = 1j * hand.vary(1.03 * right[-1].imag, 0.08)
    left = [-point.conjugate() for point in right]
    strokes = [portrait.trace([*left, chin, *right[::-1]])]
    strokes += _hair(portrait, look.front_hair)
    if portrait.style == "round":
        strokes += _curls(portrait, buns=(-0.75 - 1j, 0.75 - 1j), back=0.0)
    if portrait.gender == "male":
        temple = right[1].real - 0.02
        strokes += [_ear(portrait, side * temple, side) for side in (-1, 1)]
    apart = hand.vary(0.34)
    for side in (-1, 1):
        strokes += _eye(portrait, side * apart - 0.12j, side, side)
    strokes.append(portrait.trace(path(look.nose)))
    return strokes + _mouth(portrait, 0.58j, 0.34)


def _side(portrait: Portrait) -> list[Stroke]:
    look = portrait.look
    strokes = [portrait.trace(path(look.profile))]
    strokes += _hair(portrait, look.side_hair)
    if portrait.style == "round":
        strokes += _curls(portrait, buns=(1.12 - 0.5j,), back=0.05)
    if portrait.gender == "male":
        strokes.append(_ear(portrait, 0.05, 1))
    strokes += _eye(portrait, -0.42 - 0.08j, 1, -1)
    return strokes + _mouth(portrait, -0.42 + 0.56j, 0.22)


def _hair(
    portrait: Portrait, by_gender: dict[str, tuple[str, ...]]
) -> list[Stroke]:
    volume = portrait.hand.vary(1.0, 0.08)
    return [
        portrait.trace([volume * point for point in path(text)])
        for text in by_gender[portrait.gender]
    ]


def _curls(
    portrait: Portrait, buns: tuple[complex, ...], back: float
) -> list[Stroke]:
    """What makes the round style's hair: curls for him, buns for her."""
    hand = portrait.hand
    if portrait.gender == "male":
        top = arc(-0.3j, 0.9, 0.75, 0.5, 0.5 + back)
        return [scalloped(top, hand.count(5, 6), hand.vary(0.18))]
    size = hand.vary(0.3)
    return [hand.loop(bun, size) for bun in buns]


def _ear(portrait: Portrait, x: float, side: int) -> Stroke:
    width = side * portrait.hand.vary(0.24)
    return portrait.trace(
        (x - 0.05j, x + width - 0.12j, x + width + 0.14j, x + 0.25j)
    )


def _eye(
    portrait: Portrait, place: complex, outer: int, lashes: int
) -> list[Stroke]:
    """Eye, brow and lashes.

    Args:
        portrait: whose eye it is.
        place: its middle.
        outer: on which side, -1 or 1, its outer corner is.
        lashes: to which side the lashes of a woman point.
    """
    hand, mood = portrait.hand, portrait.mood
    brow = place - 0.24j - 0.07j * mood.eye
    inner = brow - outer * 0.18 - 1j * mood.inner
    outer_end = brow + outer * 0.2 - 1j * mood.outer
    middle = (inner + outer_end) / 2 - 0.05j
    strokes = [*_eyeball(portrait, place)]
    strokes.append(portrait.trace((inner, middle, outer_end)))
    if portrait.gender == "female":
        root = place + lashes * 0.15
        for rise in (0.0, 0.1j):
            tip = root + lashes * hand.vary(0.13) - 1.8 * rise - 0.04j
            strokes.append(hand.line(root - rise, tip))
    return strokes


def _eyeball(portrait: Portrait, place: complex) -> list[Stroke]:
    hand, opening = portrait.hand, portrait.mood.eye
    size = hand.vary(0.15, 0.06)
    if opening < 0.5:
        return [hand.line(place - size, place + size)]
    if portrait.style == "round":
        return [hand.loop(place, size / 2, size * opening * 0.6)]
    height = size * opening * 1.1
    pupil = hand.dot(place, 0.08)
    if portrait.style == "cartoon":
        return [hand.loop(place, size, height), pupil]
    top, bottom = place - 1j * height, place + 1j * height
    return [hand.polygon(place - size, top, place + size, bottom), pupil]


def _mouth(portrait: Portrait, place: complex, width: float) -> list[Stroke]:
    width = portrait.hand.vary(width)
    return [
        portrait.trace([place + width * point for point in path(text)])
        for text in portrait.mood.mouth
    ]


def face(
    gender: str,
    view: str,
    emotion: str,
    style: str,
    index: int,
    seed: int = 0,
) -> Drawing:
    """Drawing `index` of a combination of `FACTORS`.

    Raises:
        ValueError: a word that its factor does not have.
    """
    labels = dict(zip(FACTORS, (gender, view, emotion, style), strict=True))
    numbers = [_number(name, value) for name, value in labels.items()]
    hand = Hand(np.random.default_rng([seed, *numbers, index]))
    portrait = Portrait(hand, gender, _MOODS[emotion], style)
    strokes = _front(portrait) if view == "front" else _side(portrait)
    return Drawing(
        to_stroke3(hand.finish(strokes)),
        labels,
        key=f"face/{'/'.join(labels.values())}/{seed}/{index}",
    )


def _number(factor: str, value: str) -> int:
    values = FACTORS[factor]
    if value not in values:
        raise ValueError(
            f"the {factor} of a face must be one of {', '.join(values)}; "
            f"received {value!r}."
        )
    return values.index(value)


def faces(count_per_combination: int = 60, seed: int = 0) -> Iterator[Drawing]:
    """The data set, so many drawings of each combination, interleaved."""
    for index in range(count_per_combination):
        for values in itertools.product(*FACTORS.values()):
            yield face(*values, index, seed)
