"""The flags of all commands that read files of drawings."""

from absl import flags

from sketcher_tf.data.formats.checks import Rules
from sketcher_tf.data.formats.placement import Placement, parse_canvas
from sketcher_tf.data.formats.reading import read_sketches
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch

STRICT = flags.DEFINE_bool(
    "strict", False, "Make the first unusable drawing an error, with its place."
)
LABEL = flags.DEFINE_enum(
    "label",
    None,
    ["folder", "file", "none"],
    "Where the word of a drawing comes from, whatever its file says; none is "
    "one word for all. By default it is the row's word, else an SVG's folder "
    "or the file's name.",
)
CANVAS = flags.DEFINE_string(
    "canvas",
    None,
    "WIDTHxHEIGHT that the drawings were drawn on, in their units. By default "
    "an SVG's view box, and else the model's pixels.",
)
FIT = flags.DEFINE_bool(
    "fit", False, "Scale each drawing to full size, wherever it was."
)


def placement(*, whole: bool) -> Placement:
    """Where the flags put drawings, whole ones or parts.

    Raises:
        ValueError: --canvas is no size.
    """
    canvas = parse_canvas(CANVAS.value)
    return Placement(canvas=canvas, fit=FIT.value, whole=whole)


def given_sketches(
    path: str, limit: int, schema: Schema, *, whole: bool
) -> list[Sketch]:
    """The first drawings of a file, for a model, as the flags say.

    Args:
        path: the file.
        limit: the number of drawings.
        schema: the model's.
        whole: the drawings are whole; otherwise they are to be completed.

    Raises:
        ValueError: there are none, or the file is of no known format.
        BadDrawingError: a drawing cannot be used, and --strict is given.
    """
    return read_sketches(
        path,
        limit,
        Rules.of_model(schema, placement(whole=whole)),
        label=LABEL.value,
        words=schema.words,
        strict=STRICT.value,
    )
