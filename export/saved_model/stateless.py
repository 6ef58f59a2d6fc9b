"""The stateless servable: each row of a call is a function of that row alone.

What `sketcher_tf.sketcher` does, for drawings in pixels, with one seed and one
temperature per row.
"""

import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.contract import Metadata
from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.sampling import Prefix

from .drawings import (
    draw_noise,
    from_pixels,
    latents_given_points,
    to_pixels,
)
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

    def generate(
        self, condition: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> Tensors:
        """Draws new sketches."""
        latents = sampling.draw_latents(
            self._model, condition, seed, temperature
        )
        return self.decode(latents, condition, seed, temperature)

    def complete(
        self,
        strokes: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Continues drawings."""
        given = from_pixels(strokes, self._model.schema)
        latents = latents_given_points(
            self._model, condition, given, seed, temperature
        )
        return self._draw(latents, condition, seed, temperature, given)

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
            tf.cast(image, tf.float32)[..., None] / 255,
        )
        encoding, code = self._model.encode(batch, tf.zeros([2, 2], tf.int32))
        return {"latents": tf.concat([encoding.mean, code], axis=-1)}

    def decode(
        self,
        latents: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Draws what latents stand for."""
        nothing = sampling.no_prefix(tf.shape(latents)[0])
        return self._draw(latents, condition, seed, temperature, nothing)

    def labels(self, row: tf.Tensor) -> Tensors:
        """What a client should know of the model."""
        return {"metadata": tf.fill(tf.shape(row), self._metadata.dumps())}

    def _draw(
        self,
        latents: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        given: Prefix,
    ) -> Tensors:
        schema = self._model.schema
        points = sampling.generate(
            self._model,
            condition,
            latents,
            draw_noise(seed, schema),
            temperature,
            given,
        )
        strokes, length, finished = to_pixels(points, schema)
        return {
            "strokes": strokes,
            "length": length,
            "finished": finished,
            "latents": latents,
        }
