"""Sketches as pictures and files: SVG, PNG, GIF and Quick, Draw! ndjson.

A *sheet* is a labelled grid, given as row label -> sketches. Every sketch is
scaled to fill its cell, so that sketches of any scale can be compared; on a
sheet a small grey corner marks one that was cut off before its end.

NumPy and Pillow only, so that a client can draw what a server sent.
"""

from sketcher_tf.rendering.layout import Sheet
from sketcher_tf.rendering.ndjson import to_ndjson
from sketcher_tf.rendering.save import (
    encoder,
    save,
    sheet_png,
    to_gif,
    to_png,
)
from sketcher_tf.rendering.svg import sheet_svg, to_svg

__all__ = [
    "Sheet",
    "encoder",
    "save",
    "sheet_png",
    "sheet_svg",
    "to_gif",
    "to_ndjson",
    "to_png",
    "to_svg",
]
