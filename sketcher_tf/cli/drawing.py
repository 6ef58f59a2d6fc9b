"""What `draw` and `client` share: their flags, and the sheet these ask for.

A model in this process and one behind a server draw by the same four methods.
"""

import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from absl import flags

from sketcher_tf import rendering
from sketcher_tf.cli.command import refuse_arguments
from sketcher_tf.cli.reading import ReadingFlags
from sketcher_tf.request import (
    DEFAULT_TEMPERATURE,
    DEFAULT_TRIES,
    MANY_WORDS,
    TEMPERATURE_WITH_TRIES,
)
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch

# Words that are drawn if none is named and the model has more than that.
_HANDFUL, _MANY = 8, 10
_DATA = (".ndjson", ".json", ".npz")  # a row per sketch


class Drawer(Protocol):
    """A `Sketcher` or a `SketcherClient`."""

    def generate(
        self,
        category: str,
        count: int,
        temperature: float | None,
        seed: int,
        tries: int | None,
    ) -> Sequence[Sketch]:
        """Draws new sketches."""

    def complete(
        self,
        sketch: Sketch,
        category: str | None,
        count: int,
        temperature: float,
        seed: int,
        tries: int | None,
    ) -> Sequence[Sketch]:
        """Continues a drawing."""

    def reconstruct(
        self,
        sketches: Sequence[Sketch],
        category: str | None,
        temperature: float,
        seed: int,
    ) -> Sequence[Sketch]:
        """Encodes drawings and draws them anew."""

    def interpolate(
        self,
        first: Sketch,
        last: Sketch,
        count: int,
        temperature: float,
        seed: int,
    ) -> Sequence[Sketch]:
        """Walks from one drawing to another."""


class DrawingFlags:
    """The flags of a command that draws.

    Args:
        values: where they are defined.
        reading: how the files of drawings are read.
        walk_temperature: of --interpolate, if none is given.
    """

    def __init__(
        self,
        values: flags.FlagValues,
        reading: ReadingFlags,
        walk_temperature: float,
    ) -> None:
        self._reading = reading
        self._walk_temperature = walk_temperature
        self._define_what(values)
        self._define_how(values)
        self._define_files(values)

    def _define_what(self, values: flags.FlagValues) -> None:
        """Words, or drawings to begin with."""
        self.category = flags.DEFINE_multi_string(
            "category",
            [],
            "What to draw: words of the model, separated by commas; "
            "cat*0.5+pig*0.5 is a blend. all is every word, list prints them. "
            f"By default all, or {_HANDFUL} of them if there are many.",
            flag_values=values,
        )
        self._complete = flags.DEFINE_string(
            "complete",
            None,
            "A file of partial drawings to continue, --count ways each.",
            flag_values=values,
        )
        self._reconstruct = flags.DEFINE_string(
            "reconstruct",
            None,
            "A file of drawings to encode and draw anew.",
            flag_values=values,
        )
        self._interpolate = flags.DEFINE_string(
            "interpolate",
            None,
            "Two files, --interpolate A B: walk from one's first drawing to "
            "the other's.",
            flag_values=values,
        )

    def _define_how(self, values: flags.FlagValues) -> None:
        """How often, how freely, and from which seed."""
        walk_temperature = self._walk_temperature
        walk = (
            f", for --interpolate {walk_temperature:g}"
            if walk_temperature != DEFAULT_TEMPERATURE
            else ""
        )
        self._count = flags.DEFINE_integer(
            "count",
            10,
            "Sketches per category, ways to go on, or steps of a walk.",
            lower_bound=1,
            flag_values=values,
        )
        self._temperature = flags.DEFINE_float(
            "temperature",
            None,
            "0 takes the likeliest point at each step, 1 varies as the model "
            f"does; by default {DEFAULT_TEMPERATURE}, for new sketches of "
            f"{MANY_WORDS} words or more, of which a critic keeps the best, "
            f"{TEMPERATURE_WITH_TRIES}{walk}.",
            lower_bound=0.0,
            flag_values=values,
        )
        self._greedy = flags.DEFINE_bool(
            "greedy", False, "Short for --temperature=0.", flag_values=values
        )
        self._seed = flags.DEFINE_integer(
            "seed",
            None,
            "The same seed draws the same; by default a new one.",
            lower_bound=0,
            upper_bound=2**31 - 1,
            flag_values=values,
        )
        self._tries = flags.DEFINE_integer(
            "tries",
            None,
            "How often each sketch is drawn until the model's critic sees in "
            "it what was asked for; 1 never looks. By default "
            f"{DEFAULT_TRIES}, for a model with a critic.",
            flag_values=values,
        )

    def _define_files(self, values: flags.FlagValues) -> None:
        """What is read of files, and which are written."""
        self._limit = flags.DEFINE_integer(
            "limit",
            10,
            "How many drawings of a file to take, from its start.",
            lower_bound=1,
            flag_values=values,
        )
        self._output = flags.DEFINE_string(
            "output",
            "sketches.png",
            "Where to: .png, .svg, .animated.svg, .gif, .ndjson, .json, .npz, "
            ".hpgl, .gcode or .dxf.",
            flag_values=values,
        )
        self._separate = flags.DEFINE_bool(
            "separate",
            False,
            "One file per sketch instead of a sheet.",
            flag_values=values,
        )

    def check(self, arguments: Sequence[str]) -> None:
        """Refuses what cannot be drawn, before a model is loaded.

        Args:
            arguments: what is no flag: the second file of --interpolate.

        Raises:
            ValueError: an unknown ending, or files too many or too few.
        """
        rendering.encoder(Path(self._output.value))
        if self._interpolate.value and len(arguments) != 1:
            raise ValueError(
                "--interpolate takes two files; received "
                f"{[self._interpolate.value, *arguments]}. Write --interpolate "
                "A B."
            )
        if not self._interpolate.value:
            refuse_arguments(arguments, "--category=cat")

    @property
    def temperature(self) -> float:
        """Of this drawing, unless it is new."""
        if self._given_temperature is not None:
            return self._given_temperature
        walks = bool(self._interpolate.value)
        return self._walk_temperature if walks else DEFAULT_TEMPERATURE

    @property
    def _given_temperature(self) -> float | None:
        return 0.0 if self._greedy.value else self._temperature.value

    @property
    def seed(self) -> int:
        """Of this drawing; a new one, if none is given, whenever it is read."""
        given = self._seed.value
        return secrets.randbelow(2**31) if given is None else given

    @property
    def lists_words(self) -> bool:
        """Whether the words are to be printed, and nothing drawn."""
        return self.category.value == ["list"]

    def draw(
        self,
        drawer: Drawer,
        schema: Schema,
        seed: int,
        arguments: Sequence[str],
    ) -> rendering.Sheet:
        """What the flags ask for, in labelled rows.

        Args:
            drawer: draws it.
            schema: of its model.
            seed: of all of it.
            arguments: the second file of --interpolate.

        Raises:
            ValueError: an unknown category, or a drawing that is too long.
            OSError: a file cannot be read.
        """
        words = self._words(schema, seed)
        category = words[0] if self.category.value else None
        if self._complete.value:
            given = self._read(self._complete.value, schema, whole=False)
            return self._completions(drawer, given, category, seed)
        if self._reconstruct.value:
            given = self._read(self._reconstruct.value, schema)
            return self._reconstructions(drawer, given, category, seed)
        if self._interpolate.value:
            files = self._interpolate.value, *arguments
            ends = [self._read(file, schema)[0] for file in files]
            return self._walk(drawer, ends, seed)
        temperature = self._given_temperature
        options = self._count.value, temperature, seed, self._tries.value
        return {word: drawer.generate(word, *options) for word in words}

    def save(self, sheet: rendering.Sheet, seed: int) -> None:
        """Writes a sheet where --output says."""
        paths = rendering.save(
            sheet, Path(self._output.value), separate=self._separate.value
        )
        names = ", ".join(map(str, paths))
        logging.info("Drew %s with --seed=%d", names, seed)

    def _words(self, schema: Schema, seed: int) -> list[str]:
        """Conditions; with several factors a comma stands between factors."""
        given = self.category.value
        if given == ["all"]:
            return list(schema.words)
        if not given:
            return _handful(schema.words, seed)
        if len(schema.factors) > 1:
            return given
        return [word.strip() for text in given for word in text.split(",")]

    def _read(
        self, file: str, schema: Schema, whole: bool = True
    ) -> list[Sketch]:
        limit = self._limit.value
        return self._reading.given_sketches(file, limit, schema, whole=whole)

    def _completions(
        self,
        drawer: Drawer,
        given: Sequence[Sketch],
        category: str | None,
        seed: int,
    ) -> rendering.Sheet:
        options = self._count.value, self.temperature, seed, self._tries.value
        return {
            f"{category or sketch.category} {i + 1}": drawer.complete(
                sketch, category, *options
            )
            for i, sketch in enumerate(given)
        }

    def _reconstructions(
        self,
        drawer: Drawer,
        given: Sequence[Sketch],
        category: str | None,
        seed: int,
    ) -> rendering.Sheet:
        drawn = drawer.reconstruct(given, category, self.temperature, seed)
        # What is written one by one has no labels to tell them apart.
        alone = self._separate.value or self._output.value.endswith(_DATA)
        return {"drawn": drawn} if alone else {"given": given, "drawn": drawn}

    def _walk(
        self, drawer: Drawer, ends: Sequence[Sketch], seed: int
    ) -> rendering.Sheet:
        first, last = ends
        options = self._count.value, self.temperature, seed
        return {"": drawer.interpolate(first, last, *options)}


def _handful(words: Sequence[str], seed: int) -> list[str]:
    """All words, or some of them if there are many; in their order."""
    if len(words) <= _MANY:
        return list(words)
    logging.info(
        "Drawing %d of %d words; --category=list prints them all",
        _HANDFUL,
        len(words),
    )
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(words), _HANDFUL, replace=False)
    return [words[i] for i in sorted(chosen)]
