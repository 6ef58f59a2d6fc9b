"""The Python API: load a trained model and draw.

sketcher = Sketcher.load("runs/cats")
sketches = sketcher.generate("cat", count=16, temperature=0.4, seed=7)
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.interpolation import slerp
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch, Sketches
from sketcher_tf.strokes import (
    check_stroke3,
    stroke3_to_stroke5,
    stroke5_to_stroke3,
)
from sketcher_tf.training.run_folder import model_file

DEFAULT_TEMPERATURE = 0.3
CANDIDATES = 64  # latents that a completion chooses from


class Sketcher:
    """A trained model that draws.

    Args:
        model: the model.
    """

    def __init__(self, model: AISketcher) -> None:
        self.model = model
        self._generate = _graph(self._draw)
        self._complete = _graph(self._continue)
        self._encode = _graph(self._latents)

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
        """The words and limits of the model."""
        return self.model.schema

    def generate(
        self,
        category: str,
        count: int = 1,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Sketches[Sketch]:
        """Draws new sketches; sketch k depends on (category, seed, k) only.

        Args:
            category: a condition, see `Schema.parse`.
            count: how many.
            temperature: tau; 0 takes the likeliest at each step, from the
                middle of one of the ways in which the category is drawn.
            seed: 0 or more and below 2**31.

        Raises:
            ValueError: an unknown category, a count below 1 or a negative
                temperature.
        """
        self._check(count, temperature, seed)
        condition = self._conditions(category, count, seed)
        seeds = _seeds(seed, count)
        temperatures = tf.fill([count], float(temperature))
        latents = sampling.draw_latents(
            self.model, condition, seeds, temperatures
        )
        points = self._generate(condition, latents, seeds, temperatures)
        return self._sketches(points, [category] * count)

    def complete(
        self,
        sketch: Sketch,
        category: str | None = None,
        count: int = 1,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
    ) -> Sketches[Sketch]:
        """Continues a drawing, in `count` ways.

        Args:
            sketch: what has been drawn so far, in pixels.
            category: a condition; None takes the sketch's own category.
            count: how many ways.
            temperature: tau; 0 takes the likeliest at each step.
            seed: 0 or more and below 2**31.

        Returns:
            Sketches that begin with the points of `sketch`.

        Raises:
            ValueError: an unknown category, or too many points.
        """
        self._check(count, temperature, seed)
        category = category or sketch.category
        condition = self._conditions(category, count, seed)
        stroke5 = self._stroke5(sketch)
        length = len(sketch.stroke3)
        prefix = sampling.Prefix(
            tf.tile(stroke5[None, : max(length, 1)], [count, 1, 1]),
            tf.fill([count], length),
        )
        points = self._complete(
            condition,
            prefix,
            _seeds(seed, count),
            tf.fill([count], float(temperature)),
        )
        return self._sketches(points, [category] * count)

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
        """
        words = [category or sketch.category for sketch in sketches]
        self._check(len(words), temperature, seed)
        batch = self.batch(sketches, words)
        points = self._generate(
            batch.condition,
            self._encode(batch),
            _seeds(seed, len(words)),
            tf.fill([len(words)], float(temperature)),
        )
        return self._sketches(points, words)

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
        """
        self._check(count, temperature, seed)
        batch = self.batch([first, last], [first.category, last.category])
        share = np.linspace(0, 1, count, dtype=np.float32)[:, None]
        start, stop = self._encode(batch).numpy()
        points = self._generate(
            batch.condition[:1] * (1 - share) + batch.condition[1:] * share,
            slerp(start, stop, share).astype(np.float32),
            tf.tile(_seeds(seed, 1), [count, 1]),
            tf.fill([count], float(temperature)),
        )
        same = first.category == last.category
        blend = f"{first.category} to {last.category}"
        return self._sketches(
            points, [first.category if same else blend] * count
        )

    def batch(
        self, sketches: Sequence[Sketch], words: Sequence[str]
    ) -> SketchBatch:
        """Drawings as the model takes them.

        Args:
            sketches: whole drawings, in pixels.
            words: a condition each.

        Raises:
            ValueError: an unknown category, or too many points.
        """
        size = self.schema.image_size
        images = [rasterize(sketch.polylines, size) for sketch in sketches]
        return SketchBatch(
            tf.constant([self._stroke5(sketch) for sketch in sketches]),
            tf.constant([self.schema.parse(word) for word in words]),
            tf.constant(images, tf.float32)[..., None] / 255,
        )

    def _conditions(self, text: str, count: int, seed: int) -> tf.Tensor:
        """float32 [count, C]; factors not named vary from sketch to sketch."""
        return tf.constant(
            [
                self.schema.parse(text, np.random.default_rng([seed, k]))
                for k in range(count)
            ]
        )

    def _draw(
        self,
        condition: tf.Tensor,
        latents: tf.Tensor,
        seeds: tf.Tensor,
        temperature: tf.Tensor,
        prefix: sampling.Prefix | None = None,
    ) -> tf.Tensor:
        return sampling.generate(
            self.model,
            condition,
            latents,
            # One more than the longest drawing, for its end token.
            sampling.draw_noise(seeds, self.schema.max_seq_len + 1),
            temperature,
            prefix or sampling.no_prefix(tf.shape(seeds)[0]),
        )

    def _continue(
        self,
        condition: tf.Tensor,
        prefix: sampling.Prefix,
        seeds: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tf.Tensor:
        latents = sampling.latents_given_prefix(
            self.model, condition, prefix, seeds, temperature, CANDIDATES
        )
        return self._draw(condition, latents, seeds, temperature, prefix)

    def _latents(self, batch: SketchBatch) -> tf.Tensor:
        encoding, code = self.model.encode(batch, tf.zeros([2, 2], tf.int32))
        return tf.concat([encoding.mean, code], axis=-1)

    def _stroke5(self, sketch: Sketch) -> np.ndarray:
        """Padded to the model's longest drawing, in its units."""
        limit = self.schema.max_seq_len
        if len(sketch.stroke3) > limit:
            raise ValueError(
                f"a drawing may have at most {limit} points; received "
                f"{len(sketch.stroke3)}. Simplify it first."
            )
        stroke3 = check_stroke3(sketch.stroke3).copy()
        stroke3[:, :2] /= self.schema.scale_factor
        return stroke3_to_stroke5(stroke3, limit + 1)

    def _sketches(
        self, points: tf.Tensor, categories: Sequence[str]
    ) -> Sketches[Sketch]:
        return Sketches(
            self._sketch(row, category)
            for row, category in zip(points.numpy(), categories, strict=True)
        )

    def _sketch(self, stroke5: np.ndarray, category: str) -> Sketch:
        finished = bool(stroke5[:, 4].any())
        stroke3 = stroke5_to_stroke3(stroke5)[: self.schema.max_seq_len]
        stroke3[:, :2] *= self.schema.scale_factor
        return Sketch(stroke3, category, finished)

    @staticmethod
    def _check(count: int, temperature: float, seed: int) -> None:
        if count < 1:
            raise ValueError(
                f"count must be at least 1; received {count}. Ask for one."
            )
        if not 0 <= temperature < float("inf"):
            raise ValueError(
                "temperature must be 0 (greedy) or a positive number; received "
                f"{temperature}. Try {DEFAULT_TEMPERATURE}."
            )
        if not 0 <= seed < 2**31:
            raise ValueError(
                "seed must be 0 or more and below 2**31; received "
                f"{seed}. Try 0."
            )


def _graph(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    return tf.function(function, reduce_retracing=True, autograph=False)


def _seeds(seed: int, count: int) -> tf.Tensor:
    """Seed pairs (seed, k), int32 [count, 2]."""
    return tf.stack([tf.fill([count], seed), tf.range(count)], axis=1)
