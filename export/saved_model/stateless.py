"""The stateless servable: each row of a call is a function of that row alone.

What `sketcher_tf.sketcher` does, for drawings in pixels, with one seed and one
temperature per row.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from sketcher_tf.batch import SketchBatch, as_input
from sketcher_tf.contract import Metadata
from sketcher_tf.drawing import tries as drawing
from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.request import DrawingRequest

from .drawings import from_pixels, to_pixels
from .signatures import Tensors


class StatelessCalls:
    """What the signatures compute; arguments and results as in the contract.

    No `tf.Module`: it must not track the model's layers, which TensorFlow
    Serving could then not restore.

    Args:
        model: draws.
        metadata: what `labels` answers.
    """

    def __init__(self, model: AISketcher, metadata: Metadata) -> None:
        self._model = model
        self._metadata = metadata
        # Graphs that the signatures share: a loop is traced and stored once,
        # and not once for each of those that draw.
        self._draw_latents = _graph_of(sampling.draw_latents, model)
        self._draw_points = _graph_of(sampling.draw, model)

    def generate(
        self, condition: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> Tensors:
        """Draws new sketches."""
        return self._draw(DrawingRequest(condition, seed, temperature))

    def complete(
        self,
        strokes: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Continues drawings."""
        prefix = from_pixels(strokes, self._model.schema)
        return self._draw(DrawingRequest(condition, seed, temperature, prefix))

    def generate_best(
        self,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        tries: tf.Tensor,
    ) -> Tensors:
        """Draws new sketches, of several tries the best."""
        request = DrawingRequest(condition, seed, temperature)
        return self._draw_with_tries(request, tries)

    def complete_best(
        self,
        strokes: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        tries: tf.Tensor,
    ) -> Tensors:
        """Continues drawings, in several tries."""
        prefix = from_pixels(strokes, self._model.schema)
        request = DrawingRequest(condition, seed, temperature, prefix)
        return self._draw_with_tries(request, tries)

    def reconstruct(
        self,
        strokes: tf.Tensor,
        image: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Encodes drawings and draws them anew."""
        latents = self.encode(strokes, image, condition)["latents"]
        return self.decode(latents, condition, seed, temperature)

    def encode(
        self, strokes: tf.Tensor, image: tf.Tensor, condition: tf.Tensor
    ) -> Tensors:
        """The latents of drawings."""
        batch = SketchBatch(
            from_pixels(strokes, self._model.schema).points,
            condition,
            as_input(image),
        )
        return {"latents": sampling.encode(self._model, batch)}

    def decode(
        self,
        latents: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Draws what latents stand for."""
        return self._draw(DrawingRequest(condition, seed, temperature), latents)

    def labels(self, row: tf.Tensor) -> Tensors:
        """What a client should know of the model."""
        return {"metadata": tf.fill(tf.shape(row), self._metadata.dumps())}

    def _draw_with_tries(
        self, request: DrawingRequest, tries: tf.Tensor
    ) -> Tensors:
        if self._model.critic is None:
            return self._draw(request)
        best = drawing.draw(self._model, request, tries)
        return self._sketches(best.points, best.latents)

    def _draw(
        self, request: DrawingRequest, latents: tf.Tensor | None = None
    ) -> Tensors:
        if latents is None:
            latents = self._draw_latents(request)
        points = self._draw_points(request, latents)
        return self._sketches(points, latents)

    def _sketches(self, points: tf.Tensor, latents: tf.Tensor) -> Tensors:
        strokes, length, finished = to_pixels(points, self._model.schema)
        return {
            "strokes": strokes,
            "length": length,
            "finished": finished,
            "latents": latents,
        }


def _graph_of(
    function: Callable[..., tf.Tensor], model: AISketcher
) -> Callable[..., tf.Tensor]:
    """`function` of this model, traced once for all who call it alike."""

    def of_model(*args: Any) -> tf.Tensor:
        return function(model, *args)

    of_model.__name__ = function.__name__  # of the graph
    return tf.function(of_model, autograph=False)
