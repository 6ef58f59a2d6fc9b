"""What users give, as the arrays of the contract, and back.

All is checked before anything is sent, as the library checks it, so that a
mistake does not fail the calls of others.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from sketcher_tf import contract, request
from sketcher_tf.client.types import Labels, ServedSketch
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.sketches import Sketch, Sketches
from sketcher_tf.strokes import stroke5_to_stroke3
from sketcher_tf.wire.tensors import itemsize

_OVERHEAD_BYTES = 4096  # of a message: names, shapes, the model


def noise(seed: int, count: int, temperature: float) -> contract.Arrays:
    """Seed pairs (seed, k), int32 [count, 2], and temperatures [count].

    Raises:
        ValueError: a number that is out of range.
    """
    seeds = request.seed_pairs(seed, count)
    taus = request.temperatures(temperature, count)
    # The smallest one is as good as greedy.
    return {
        "seed": seeds,
        "temperature": np.maximum(taus, contract.MIN_TEMPERATURE),
    }


def tries(labels: Labels, number: int | None, count: int) -> contract.Arrays:
    """The tries of each sketch, int32 [count]; empty if there is one only.

    Args:
        labels: of the model.
        number: see `number_of_tries`.
        count: how many sketches.

    Raises:
        ValueError: it is out of range, or the model has no critic.
    """
    most = request.number_of_tries(number, labels.metadata.has_critic)
    return {} if most == 1 else {"tries": np.full(count, most, np.int32)}


def how_new(
    labels: Labels,
    seed: int,
    count: int,
    temperature: float | None,
    number: int | None,
) -> contract.Arrays:
    """The noise and the tries of new sketches.

    Args:
        labels: of the model.
        seed: int32.
        count: how many sketches.
        temperature: see `temperature_of_new`.
        number: see `number_of_tries`.

    Raises:
        ValueError: one is out of range, or the model has no critic.
    """
    most = request.number_of_tries(number, labels.metadata.has_critic)
    tau = request.temperature_of_new(temperature, most, labels.schema)
    return {**noise(seed, count, tau), **tries(labels, most, count)}


def split(inputs: contract.Arrays, rows: int) -> Iterator[contract.Arrays]:
    """Arrays [N, ...] in parts of at most so many rows."""
    for start in range(0, len(inputs["condition"]), rows):
        yield {name: x[start : start + rows] for name, x in inputs.items()}


def join(parts: Sequence[contract.Arrays]) -> contract.Arrays:
    """What `split` has split, or the answers to it."""
    return {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }


def conditions(
    labels: Labels, category: str, noise: contract.Arrays
) -> np.ndarray:
    """float32 [count, C]; factors not named vary from sketch to sketch.

    Raises:
        ValueError: a word that the model does not know.
    """
    return request.varied_conditions(labels.schema, category, noise["seed"])


def drawings(
    labels: Labels, sketches: Sequence[Sketch], words: Sequence[str]
) -> contract.Arrays:
    """Whole drawings with their pictures and conditions.

    Raises:
        ValueError: none, or one that cannot be encoded.
    """
    strokes = request.drawings(labels.schema, sketches)
    size = labels.schema.image_size
    return {
        "strokes": strokes,
        "image": np.array([rasterize(one.polylines, size) for one in sketches]),
        "condition": request.conditions(labels.schema, words),
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


def sketches(
    outputs: contract.Arrays, words: Sequence[str]
) -> Sketches[ServedSketch]:
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
