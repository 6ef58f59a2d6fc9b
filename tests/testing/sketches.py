"""Sketches that several tests draw and save."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3

EMPTY = Sketch(np.zeros((0, 3), np.float32), "nothing")
DOT = Sketch(np.array([[40, 70, 1]], np.float32), "dot")
NASTY = 'a<b & "c" ]]> \x00\ud800'


def sketch_of(
    *lines: Any, category: str = "cat", finished: bool = True
) -> Sketch:
    stroke3 = polylines_to_stroke3([np.array(line) for line in lines])
    return Sketch(stroke3, category, finished)


SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]
HOUSE = sketch_of(SQUARE, [[-5, 0], [50, -60.5], [105, 0]], [[50, 50]])

coordinates = st.floats(-300, 300, width=32).map(lambda x: round(x, 3))
sketches = st.lists(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 12), st.just(2)),
        elements=coordinates,
    ),
    max_size=6,
).map(lambda lines: sketch_of(*lines))
