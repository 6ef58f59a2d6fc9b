"""The flags of all commands that read files of drawings."""

from typing import Any

from absl import flags

from sketcher_tf.data.formats import labels
from sketcher_tf.data.formats.checks import Rules
from sketcher_tf.data.formats.placement import Placement, parse_canvas
from sketcher_tf.data.formats.reading import read_sketches
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch


class ReadingFlags:
    """How drawings are read.

    Args:
        values: where the flags are defined.
        words: define --label, too, unless the command has another one.
    """

    def __init__(self, values: flags.FlagValues, words: bool = True) -> None:
        self._strict = flags.DEFINE_bool(
            "strict",
            False,
            "Make the first unusable drawing an error, with its place.",
            flag_values=values,
        )
        self._label = _define_label(values) if words else None
        self._canvas = flags.DEFINE_string(
            "canvas",
            None,
            "WIDTHxHEIGHT that the drawings were drawn on, in their units. By "
            "default an SVG's view box, and else the model's pixels.",
            flag_values=values,
        )
        self._fit = flags.DEFINE_bool(
            "fit",
            False,
            "Scale each drawing to full size, wherever it was.",
            flag_values=values,
        )

    @property
    def strict(self) -> bool:
        """Whether the first unusable drawing is an error."""
        return self._strict.value

    @property
    def label(self) -> labels.Source:
        """Where words come from."""
        return None if self._label is None else self._label.value

    def placement(self, *, whole: bool) -> Placement:
        """Where the flags put drawings, whole ones or parts.

        Raises:
            ValueError: --canvas is no size.
        """
        canvas = parse_canvas(self._canvas.value)
        return Placement(canvas=canvas, fit=self._fit.value, whole=whole)

    def given_sketches(
        self, path: str, limit: int, schema: Schema, *, whole: bool
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
            Rules.of_model(schema, self.placement(whole=whole)),
            label=self.label,
            words=schema.words,
            strict=self.strict,
        )


def _define_label(values: flags.FlagValues) -> flags.FlagHolder[Any]:
    return flags.DEFINE_enum(
        "label",
        None,
        ["folder", "file", "none"],
        "Where the word of a drawing comes from, whatever its file says; none "
        "is one word for all. By default it is the row's word, else an SVG's "
        "folder or the file's name.",
        flag_values=values,
    )
