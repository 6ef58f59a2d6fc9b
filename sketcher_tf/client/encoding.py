"""What users give, as the arrays of the contract, and back.

All is checked here, by the contract's limits, so that a mistake is reported
before anything is sent, and does not fail the calls of others.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sketcher_tf import contract
from sketcher_tf.client.types import Labels, ServedSketch
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.sketches import Sketch, Sketches
from sketcher_tf.strokes import (
    check_stroke3,
    stroke3_to_stroke5,
    stroke5_to_stroke3,
)
from sketcher_tf.wire.tensors import itemsize

_OVERHEAD_BYTES = 4096  # of a message: names, shapes, the model

Arrays = Mapping[str, np.ndarray]


def noise(seed: int, count: int, temperature: float) -> Arrays:
    """Seed pairs (seed, k), int32 [count, 2], and temperatures [count].

    Raises:
        ValueError: a number that is out of range.
    """
    if count < 1:
        raise ValueError(
            f"count must be at least 1; received {count}. Ask for one."
        )
    if not 0 <= seed < 2**31:
        raise ValueError(
            "seed must be an int32 of 0 or more; received "
            f"{seed}. Take it modulo 2 ** 31."
        )
    if not 0 <= temperature <= contract.MAX_MAGNITUDE:
        raise ValueError(
            "temperature must be 0 (greedy) or a positive number; received "
            f"{temperature}. Try 0.3."
        )
    # The smallest one is as good as greedy.
    tau = max(temperature, contract.MIN_TEMPERATURE)
    seeds = [(seed, k) for k in range(count)]
    return {
        "seed": np.array(seeds, np.int32),
        "temperature": np.full(count, tau, np.float32),
    }


def conditions(
    labels: Labels, category: str, count: int, seed: int
) -> np.ndarray:
    """float32 [count, C]; factors not named vary from sketch to sketch.

    Raises:
        ValueError: a word that the model does not know.
    """
    rows = [
        labels.schema.parse(category, np.random.default_rng([seed, k]))
        for k in range(count)
    ]
    return np.array(rows, np.float32)


def points(labels: Labels, sketch: Sketch) -> np.ndarray:
    """A drawing as stroke-5 in pixels, float32 [T, 5].

    Raises:
        ValueError: too many points, or one that is no number or too large.
    """
    limit = labels.schema.max_seq_len
    if len(sketch.stroke3) > limit:
        raise ValueError(
            f"a drawing may have at most {limit} points; received "
            f"{len(sketch.stroke3)}. Simplify it first."
        )
    stroke3 = check_stroke3(sketch.stroke3)
    if np.abs(stroke3).max(initial=0) > contract.MAX_MAGNITUDE:
        raise ValueError(
            f"an offset may be at most {contract.MAX_MAGNITUDE:.0f} pixels; "
            "received a longer one. Scale the drawing down."
        )
    return stroke3_to_stroke5(stroke3, limit + 1)


def strokes(labels: Labels, sketches: Sequence[Sketch]) -> np.ndarray:
    """Drawings as float32 [B, T, 5]; see `points`."""
    return np.array([points(labels, sketch) for sketch in sketches])


def drawings(
    labels: Labels, sketches: Sequence[Sketch], words: Sequence[str]
) -> Arrays:
    """Whole drawings with their pictures and conditions.

    Raises:
        ValueError: none, or one that cannot be encoded.
    """
    if not sketches:
        raise ValueError(
            "there must be at least one drawing; received none. Give one."
        )
    size = labels.schema.image_size
    images = [rasterize(sketch.polylines, size) for sketch in sketches]
    return {
        "strokes": strokes(labels, sketches),
        "image": np.array(images),
        "condition": np.array([labels.schema.parse(word) for word in words]),
    }


def latents(labels: Labels, given: np.ndarray) -> np.ndarray:
    """Checked latents, float32 [B, Z].

    Raises:
        ValueError: another width, or a number that is no number or too large.
    """
    array = np.asarray(given, np.float32)
    width = labels.metadata.latent_size
    if array.ndim != 2 or array.shape[1] != width:
        raise ValueError(
            f"latents must have shape [count, {width}]; received "
            f"{list(array.shape)}. Take them from encode, or from a sketch."
        )
    # A comparison with NaN is false.
    if not (np.abs(array) <= contract.MAX_MAGNITUDE).all():
        raise ValueError(
            "latents must be finite, and not larger than "
            f"{contract.MAX_MAGNITUDE:.0f}; received others. Use smaller ones."
        )
    return array


def sketches(outputs: Arrays, words: Sequence[str]) -> Sketches[ServedSketch]:
    """The drawings of an answer."""
    return Sketches(
        ServedSketch(stroke5_to_stroke3(stroke5), word, bool(finished), z)
        for stroke5, finished, z, word in zip(
            outputs["strokes"],
            outputs["finished"],
            outputs["latents"],
            words,
            strict=True,
        )
    )


def rows_per_call(
    labels: Labels, signature: contract.Signature, message_bytes: int
) -> int:
    """As many as the server takes, and fit into a message both ways."""
    # What is sent is padded to T points.
    sizes = {"B": 1, "P": labels.metadata.sizes["T"], **labels.metadata.sizes}
    row = max(
        sum(
            math.prod(tensor.sizes(sizes)) * itemsize(tensor.dtype)
            for tensor in one_way
        )
        for one_way in (signature.inputs, signature.outputs)
    )
    fitting = (message_bytes - _OVERHEAD_BYTES) // row
    return min(max(fitting, 1), contract.MAX_BATCH_SIZE)
