"""Golden sketches: what models drew once, and have to draw for ever.

    python -m tests.testing.golden

`tests/golden/NAME.keras` are models of each preset, in tiny sizes and with
random weights, as an earlier version of the project saved them; the JSON of a
name holds the sketches. The command records the sketches anew: do so only where
a change is meant to change drawings, and say so.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch

FOLDER = Path(__file__).resolve().parents[1] / "golden"
_PRETRAINED = FOLDER.parents[1] / "pretrained" / "quickdraw.keras"
_SEED = 7
# Name -> the model's file, two of its words, and a temperature.
MODELS = {
    "pretrained": (_PRETRAINED, "crab", "cat", 0.3),
    **{
        name: (FOLDER / f"{name}.keras", "ring", "zigzag", 1.0)
        for name in ("quick", "paper", "sketch_rnn", "layer_norm")
    },
}

Plain = Mapping[str, list[dict[str, Any]]]


def draw(name: str) -> Plain:
    """What the model of a name draws, in the form of the JSON."""
    file, first, second, temperature = MODELS[name]
    sketcher = Sketcher(Sketcher.load(file).model, tries=1)
    how: Any = {"temperature": temperature, "seed": _SEED}
    ones = sketcher.generate(first, 2, **how)
    [other] = sketcher.generate(second, **how)
    half = Sketch(ones[0].stroke3[: len(ones[0].stroke3) // 2], first)
    drawn = {
        first: ones,
        second: [other],
        "blend": sketcher.generate(f"{first}*0.5+{second}*0.5", **how),
        "completion": sketcher.complete(half, count=2, **how),
        "reconstruction": sketcher.reconstruct([ones[0], other], **how),
        "interpolation": sketcher.interpolate(ones[0], other, 3, **how),
    }
    return {what: [_plain(sketch) for sketch in drawn[what]] for what in drawn}


def recorded(name: str) -> Plain:
    """What it drew when it was recorded."""
    return json.loads(_record_of(name).read_text())


def _record_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


def _plain(sketch: Sketch) -> dict[str, Any]:
    """Stroke-3 in pixels, to the tenth of a thousandth."""
    points = [
        [round(float(dx), 4), round(float(dy), 4), int(pen)]
        for dx, dy, pen in sketch.stroke3
    ]
    return {"finished": sketch.finished, "points": points}


def main() -> None:
    """See the module."""
    for name in MODELS:
        _record_of(name).write_text(json.dumps(draw(name)) + "\n")


if __name__ == "__main__":
    main()
