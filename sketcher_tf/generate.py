"""Draws with a trained model.

    sketcher draw --category=cat,fish --output=animals.png
    sketcher draw --category='cat*0.5+fish*0.5' --seed=7
    sketcher draw --complete=half.ndjson --count=8
    sketcher draw --reconstruct=cats.ndjson
    sketcher draw --interpolate a.ndjson b.ndjson

The ending of --output decides what is written: .png and .svg a sheet, .gif the
drawing being drawn, .ndjson Quick, Draw!'s simplified format, .json polylines,
.npz Sketch-RNN's format; .hpgl, .gcode and .dxf a page for plotters.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from sketcher_tf.cli import Command
from sketcher_tf.cli.drawing import DrawingFlags
from sketcher_tf.cli.reading import ReadingFlags
from sketcher_tf.rendering.layout import Drawable
from sketcher_tf.request import DEFAULT_TEMPERATURE

COMMAND = Command("sketcher draw", __doc__, extra="tf")
_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A run folder, a .keras file, the name of a pretrained model or "
    "hf://user/model, or several separated by commas; by default the newest "
    "run, or the pretrained model.",
    flag_values=COMMAND.flags,
)
_DRAWING = DrawingFlags(
    COMMAND.flags, ReadingFlags(COMMAND.flags), DEFAULT_TEMPERATURE
)


def main(arguments: list[str]) -> None:
    """Flags -> a sheet of sketches -> files."""
    _DRAWING.check(arguments)
    from sketcher_tf.sketcher import Sketcher

    seed = _DRAWING.seed
    sheet: dict[str, Sequence[Drawable]] = {}
    for name in (_MODEL.value or "").split(","):
        sketcher = Sketcher.load(name.strip() or None)
        if _DRAWING.lists_words:
            print(*sketcher.schema.words, sep="\n")
            continue
        drawn = _DRAWING.draw(sketcher, sketcher.schema, seed, arguments)
        for label, sketches in drawn.items():
            # Rows of one name are told apart by their models.
            model = f" {Path(name).stem}" if label in sheet else ""
            sheet[label + model] = sketches
    if sheet:
        _DRAWING.save(sheet, seed)


if __name__ == "__main__":
    COMMAND.run(main)
