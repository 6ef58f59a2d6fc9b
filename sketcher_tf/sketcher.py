"""The Python API: load a trained model and draw.

sketcher = Sketcher.load("runs/cats")
sketches = sketcher.generate("cat", count=16, temperature=0.4, seed=7)
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sketcher_tf.batch import SketchBatch, batch_of_pixels
from sketcher_tf.drawing import tries as drawing
from sketcher_tf.drawing.thresholds import fit_thresholds
from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.rendering.raster import rasterize_all
from sketcher_tf.request import (
    DEFAULT_TEMPERATURE,
    DrawingRequest,
    Prefix,
    conditions,
    drawings,
    new_request,
    number_of_tries,
    request_for_each,
    temperature_of_new,
    walk_latents,
    walk_request,
)
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch, Sketches
from sketcher_tf.strokes import stroke5_to_stroke3
from sketcher_tf.training.run_folder import model_file


class Sketcher:
    """A trained model that draws.

    Args:
        model: the model.
        tries: what `generate` and `complete` take if they are not told.
    """

    def __init__(self, model: AISketcher, tries: int | None = None) -> None:
        self.model = model
        self.tries = number_of_tries(tries, self.has_critic)
        self._draw = _graph(functools.partial(sampling.draw, model))
        self._draw_the_best = _graph(functools.partial(drawing.draw, model))
        self._encode = _graph(functools.partial(sampling.encode, model))

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Sketcher":
        """Loads a model; None is the newest run, or a pretrained model.

        Args:
            path: a run folder, a `.keras` file, the name of a pretrained
                model or `hf://user/model`; see `model_file`.

        Raises:
            FileNotFoundError: there is no model there.
        """
        file = model_file(path)
        return cls(keras.saving.load_model(file, compile=False))

    @property
    def schema(self) -> Schema:
        """The labels and limits of the model."""
        return self.model.schema

    @property
    def has_critic(self) -> bool:
        """Whether the model can judge: one word leaves nothing to tell.

        Nor can it before the end of its training, which makes its critic.
        """
        critic, sizes = self.model.critic, self.model.factor_sizes
        return critic is not None and critic.is_ready and max(sizes) > 1

    def generate(
        self,
        category: str,
        count: int = 1,
        temperature: float | None = None,
        seed: int = 0,
        tries: int | None = None,
    ) -> Sketches[Sketch]:
        """Draws new sketches.

        Sketch k depends on (category, temperature, seed, k, tries) only.

        Args:
            category: a condition, see `Schema.parse`.
            count: how many.
            temperature: tau; 0 takes the likeliest at each step, from the
                middle of one of the ways in which the category is drawn. None
                is 0.6 with tries of 100 words or more, else 0.3.
            seed: 0 or more and below 2**31.
            tries: how often each sketch is drawn until the model's critic sees
                in it what was asked for; the best of them if it does not. None
                is 4, or 1 for a model without a critic; 1 never looks.

        Raises:
            ValueError: an unknown category, a count below 1, a negative
                temperature, or tries without a critic.
        """
        how = self._wanted(category, count, temperature, seed, tries)
        points = self.draw(*how)
        return self._sketches(points, [category] * count)

    def count_tries(
        self,
        category: str,
        count: int = 1,
        temperature: float | None = None,
        seed: int = 0,
        tries: int | None = None,
    ) -> np.ndarray:
        """How often `generate` draws each sketch, int32 [count].

        The arguments are those of `generate`, and so are the errors.
        """
        request, number = self._wanted(
            category, count, temperature, seed, tries
        )
        if number == 1:
            return np.ones(count, np.int32)
        return self._best(request, number).drawn.numpy()

    def complete(
        self,
        sketch: Sketch,
        category: str | None = None,
        count: int = 1,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
        tries: int | None = None,
    ) -> Sketches[Sketch]:
        """Continues a drawing, in `count` ways.

        With tries the strokes may begin anywhere, run either way and have any
        size: they are also read as the model's drawings would have them, and
        what comes of a reading decides.

        Args:
            sketch: what has been drawn so far, in pixels.
            category: a condition; None takes the sketch's own category.
            count: how many ways.
            temperature: tau; 0 takes the likeliest at each step.
            seed: 0 or more and below 2**31.
            tries: as for `generate`.

        Returns:
            Sketches that begin with the points of `sketch`.

        Raises:
            ValueError: an unknown category, too many points, or tries without
                a critic.
        """
        category = category or sketch.category
        wanted = new_request(self.schema, category, count, temperature, seed)
        points = drawings(self.schema, [sketch] * count)
        prefix = Prefix(
            points / self.schema.stroke5_scale,
            np.full(count, len(sketch.stroke3), np.int32),
        )
        points = self.draw(wanted._replace(prefix=prefix), tries)
        return self._sketches(points, [category] * count)

    def encode(
        self, sketches: Sequence[Sketch], category: str | None = None
    ) -> np.ndarray:
        """The means of the latents of drawings, float32 [B, Z].

        Args:
            sketches: whole drawings, in pixels.
            category: a condition for all; None takes each sketch's category.

        Raises:
            ValueError: no drawing, an unknown category, or too many points.
        """
        return self._encode(self.batch(sketches, category)).numpy()

    def reconstruct(
        self,
        sketches: Sequence[Sketch],
        category: str | None = None,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Sketches[Sketch]:
        """Auto-encodes drawings: encodes each and draws it anew.

        Args:
            sketches: whole drawings, in pixels.
            category: a condition for all; None takes each sketch's category.
            temperature: tau; 0 takes the likeliest at each step.
            seed: 0 or more and below 2**31.

        Raises:
            ValueError: no drawing, an unknown category, or too many points.
        """
        batch = self.batch(sketches, category)
        wanted = request_for_each(batch.condition, temperature, seed)
        points = self._draw(wanted, self._encode(batch))
        return self._sketches(points, _categories(sketches, category))

    def interpolate(
        self,
        first: Sketch,
        last: Sketch,
        count: int = 10,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Sketches[Sketch]:
        """Walks from one drawing to another through the latent space.

        Spherically, as latents of a Gaussian lie near a sphere; the condition
        goes linearly. All steps share the noise of one seed.

        Args:
            first: a whole drawing, in pixels, with its category.
            last: another.
            count: steps, both ends included.
            temperature: tau; 0 takes the likeliest at each step.
            seed: 0 or more and below 2**31.

        Raises:
            ValueError: an unknown category, too many points or a count below 1.
        """
        batch = self.batch([first, last])
        wanted = walk_request(batch.condition, count, temperature, seed)
        start, stop = self._encode(batch).numpy()
        points = self._draw(wanted, walk_latents(start, stop, count))
        same = first.category == last.category
        blend = f"{first.category} to {last.category}"
        return self._sketches(
            points, [first.category if same else blend] * count
        )

    def fit_thresholds(self) -> None:
        """Fits how sure the critic must be of a drawing, see `thresholds`.

        Of a model with a critic that has been trained; the end of a training
        of 100 words or more does it. It draws 32 sketches of each word.
        """
        fit_thresholds(self.model, self._draw_the_best)

    def batch(
        self, sketches: Sequence[Sketch], category: str | None = None
    ) -> SketchBatch:
        """Drawings as the model takes them.

        Args:
            sketches: whole drawings, in pixels.
            category: a condition for all; None takes each sketch's category.

        Raises:
            ValueError: no drawing, an unknown category, or too many points.
        """
        schema = self.schema
        return batch_of_pixels(
            drawings(schema, sketches),
            conditions(schema, _categories(sketches, category)),
            rasterize_all([s.polylines for s in sketches], schema.image_size),
            schema,
        )

    def _number(self, tries: int | None) -> int:
        """Of tries; None takes the sketcher's own."""
        most = self.tries if tries is None else tries
        return number_of_tries(most, self.has_critic)

    def _wanted(
        self,
        category: str,
        count: int,
        temperature: float | None,
        seed: int,
        tries: int | None,
    ) -> tuple[DrawingRequest, int]:
        """What `generate` is asked for: the sketches, and how many tries."""
        number = self._number(tries)
        tau = temperature_of_new(temperature, number, self.schema)
        return new_request(self.schema, category, count, tau, seed), number

    def draw(
        self, request: DrawingRequest, tries: int | None = None
    ) -> tf.Tensor:
        """What is asked for, as points in units of the scale factor.

        Args:
            request: a row per sketch.
            tries: as for `generate`.

        Returns:
            Stroke-5 float32 [B, max_seq_len + 1, 5].

        Raises:
            ValueError: tries without a critic.
        """
        number = self._number(tries)
        if number == 1:
            return self._draw(request)
        return self._best(request, number).points

    def _best(self, request: DrawingRequest, number: int) -> drawing.Best:
        """Of as many tries for each sketch, 2 or more."""
        tries = np.full(len(request.seeds), number, np.int32)
        return self._draw_the_best(request, tries)

    def _sketches(
        self, points: tf.Tensor, categories: Sequence[str]
    ) -> Sketches[Sketch]:
        return Sketches(
            self._sketch(row, category)
            for row, category in zip(points.numpy(), categories, strict=True)
        )

    def _sketch(self, stroke5: np.ndarray, category: str) -> Sketch:
        finished = bool(stroke5[:, 4].any())
        stroke3 = stroke5_to_stroke3(stroke5 * self.schema.stroke5_scale)
        return Sketch(stroke3[: self.schema.max_seq_len], category, finished)


def _categories(sketches: Sequence[Sketch], category: str | None) -> list[str]:
    return [category or sketch.category for sketch in sketches]


def _graph(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """A function of any number of rows, as a graph.

    For a certain number TensorFlow would simplify it, and so round, otherwise:
    the first call would draw other sketches than the next ones.
    """
    graph = tf.function(function, autograph=False)

    def call(*args: Any) -> tf.Tensor:
        graph.get_concrete_function(*tf.nest.map_structure(_any_rows, args))
        return graph(*args)  # which takes what there is for any number

    return call


def _any_rows(value: tf.Tensor | None) -> tf.TensorSpec | None:
    if value is None:
        return None
    return tf.TensorSpec([None, *value.shape[1:]], value.dtype)
