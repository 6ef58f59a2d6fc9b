"""One cat as nine programs save it: everywhere the same strokes are read.

The files of `corpus/` were written for this test, in the style of each program:
layers, artboards, style sheets, clip paths, masks, filled outlines, a curve per
element. `strokes.json` has the strokes that a viewer sees, in order.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.formats.simplify import resample
from sketcher_tf.data.formats.svg import read_svg
from sketcher_tf.strokes import fit_to_box, stroke3_to_polylines

CORPUS = Path(__file__).with_name("corpus")
EXPECTED = json.loads((CORPUS / "strokes.json").read_text())

# Pixels of 255: the simplification takes 2; where a filled outline ends, half
# its width is neither the pen's nor not.
TOLERANCE = 5.5


def distance(one, other):
    """The largest distance of a point from all the others' (Hausdorff)."""
    away = np.hypot(*(one[:, None] - other).transpose(2, 0, 1))
    return max(away.min(axis=0).max(), away.min(axis=1).max())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_programs_strokes_are_read(name):
    intake = Intake(report=SkipReport(strict=True))
    [drawing] = read_svg(CORPUS / f"{name}.svg", "cat", intake)
    found = stroke3_to_polylines(drawing.stroke3)
    wanted = fit_to_box([np.array(line) for line in EXPECTED[name]], 255.0)
    assert len(found) == len(wanted)
    assert len(drawing.stroke3) < 100
    if name == "potrace":  # of a picture nobody knows where the pen was lifted
        assert distance(*map(ink, (found, wanted))) < TOLERANCE
        return
    for ours, theirs in zip(found, wanted, strict=True):
        assert distance(resample(ours, 1.0), resample(theirs, 1.0)) < TOLERANCE
        assert np.abs(ours[0] - theirs[0]).max() < TOLERANCE


def ink(lines):
    return np.concatenate([resample(line, 1.0) for line in lines])
