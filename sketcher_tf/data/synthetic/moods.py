"""What the emotions do to a face: a table.

Outlines are texts as in `looks`, in hundredths of half the width of an eye or
a mouth. Beside an eye or a mouth, x points away from the middle of the face.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mood:
    """One emotion; lengths are in half widths of an eye.

    Attributes:
        inner: how far the inner end of a brow is raised.
        outer: the same of its outer end.
        arch: how far its middle is above the line between them.
        lid: how high the upper lid stands; 1 is usual, below 0.5 is shut.
        slant: how much lower the lid is at its inner end.
        lower: how low the lower lid hangs; 1 is usual.
        mouth: its strokes.
        lip: the upper edge of a painted lip.
        frown: a wrinkle beside each eye.
        tear: below the right eye.
        fold: a wrinkle at each corner of the mouth.
    """

    inner: float
    outer: float
    arch: float
    lid: float
    slant: float
    lower: float
    mouth: tuple[str, ...]
    lip: str = ""
    frown: str = ""
    tear: str = ""
    fold: str = ""


MOODS = {
    "neutral": Mood(
        inner=0.0,
        outer=0.0,
        arch=0.22,
        lid=0.9,
        slant=0.0,
        lower=0.9,
        mouth=("~ -85,0 0,4 85,0", "~ -30,40 0,46 30,40"),
        lip="~ -85,0 -25,-28 0,-18 25,-28 85,0",
    ),
    "happy": Mood(
        inner=0.1,
        outer=0.05,
        arch=0.38,
        lid=0.95,
        slant=0.0,
        lower=0.35,
        mouth=(
            "~ -110,-30 -55,-6 0,0 55,-6 110,-30",
            "~ -110,-30 -70,40 0,72 70,40 110,-30",
        ),
        lip="~ -110,-30 -25,-26 0,-18 25,-26 110,-30",
    ),
    "sad": Mood(
        inner=0.55,
        outer=-0.35,
        arch=0.05,
        lid=0.62,
        slant=-0.45,
        lower=0.9,
        mouth=("~ -85,42 -45,6 0,-6 45,6 85,42", "~ -28,52 0,46 28,52"),
        lip="~ -85,42 -28,-28 0,-20 28,-28 85,42",
        tear="30,120 0,174 10,205 50,205 60,174 30,120",
    ),
    "angry": Mood(
        inner=-0.55,
        outer=0.4,
        arch=0.05,
        lid=0.75,
        slant=0.65,
        lower=0.6,
        mouth=(
            "~ -80,-24 0,-32 80,-24 100,34 0,28 -100,34 -80,-24",
            "-88,2 88,2",
        ),
        frown="-146,-175 -138,-95",
    ),
    "fearful": Mood(
        inner=0.9,
        outer=-0.1,
        arch=0.0,
        lid=1.5,
        slant=-0.1,
        lower=1.25,
        mouth=(
            "~ -100,24 -62,-16 -22,12 20,-18 62,12 100,-14",
            "~ -100,24 -50,52 0,30 50,50 100,-14",
        ),
    ),
    "surprised": Mood(
        inner=0.7,
        outer=0.65,
        arch=0.55,
        lid=1.6,
        slant=0.0,
        lower=1.3,
        mouth=("~ 0,-44 -36,-24 -46,18 -30,60 0,72 30,60 46,18 36,-24 0,-44",),
    ),
    "disgusted": Mood(
        inner=-0.4,
        outer=0.0,
        arch=0.3,
        lid=0.28,
        slant=0.1,
        lower=0.3,
        mouth=(
            "~ -95,36 -55,-8 0,-20 45,-4 95,38",
            "~ -28,-14 -26,50 2,80 32,50 34,-8",
        ),
        fold="100,-115 136,-35",
    ),
}
