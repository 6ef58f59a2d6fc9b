"""What a model draws for its evaluation: anew, given a whole, given a half."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sketcher_tf.schema import Schema
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch

BLEND_SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
_BLENDS = 8  # pairs of words
_AT_ONCE = 100  # drawings that are auto-encoded together


@dataclass(frozen=True)
class Samples:
    """Drawings of one model.

    Attributes:
        generated: word -> new drawings.
        reconstructed: auto-encoded, one per held-out drawing.
        completed: given its first half, one per held-out drawing.
        blends: `first to second` -> one drawing per share of BLEND_SHARES.
    """

    generated: Mapping[str, Sequence[Sketch]]
    reconstructed: list[Sketch]
    completed: list[Sketch]
    blends: Mapping[str, Sequence[Sketch]]


def draw(
    sketcher: Sketcher,
    held_out: Sequence[Sketch],
    count: int,
    temperature: float,
    seed: int,
) -> Samples:
    """Draws all that is measured and shown.

    Args:
        sketcher: the model.
        held_out: whole real drawings; the category names all their factors.
        count: new drawings per word.
        temperature: tau.
        seed: int32; the same seed draws the same.
    """
    generated = {}
    for word in sketcher.schema.words:
        logging.info("Drawing %d of %s", count, word)
        generated[word] = sketcher.generate(word, count, temperature, seed)
    logging.info("Auto-encoding %d drawings", len(held_out))
    reconstructed = [
        sketch
        for first in range(0, len(held_out), _AT_ONCE)
        for sketch in sketcher.reconstruct(
            held_out[first : first + _AT_ONCE],
            temperature=temperature,
            seed=seed,
        )
    ]
    logging.info("Completing %d drawings", len(held_out))
    completed = [
        sketcher.complete(
            first_half(sketch), temperature=temperature, seed=(seed + i) % 2**31
        )[0]
        for i, sketch in enumerate(held_out)
    ]
    blends = {
        name: [
            sketcher.generate(text, 1, temperature, seed)[0] for text in texts
        ]
        for name, texts in blends_of(sketcher.schema).items()
    }
    return Samples(generated, reconstructed, completed, blends)


def first_half(sketch: Sketch) -> Sketch:
    """The first half of a drawing's points, rounded down, one at least."""
    points = max(len(sketch.stroke3) // 2, 1)
    return Sketch(sketch.stroke3[:points], sketch.category, finished=False)


def blends_of(schema: Schema) -> dict[str, list[str]]:
    """Conditions from one word of a factor to the next, some pairs of words."""
    pairs = [
        (factor.name, first, second)
        for factor in schema.factors
        for first, second in zip(
            factor.values[::2], factor.values[1::2], strict=False
        )
    ]
    chosen = np.linspace(0, len(pairs) - 1, min(_BLENDS, len(pairs)))
    return {
        f"{first} to {second}": [
            _blend(name, first, second, share) for share in BLEND_SHARES
        ]
        for name, first, second in (pairs[i] for i in chosen.astype(int))
    }


def _blend(factor: str, first: str, second: str, share: float) -> str:
    terms = [
        f"{word}*{weight}"
        for word, weight in ((first, share), (second, 1 - share))
        if weight
    ]
    return f"{factor}={'+'.join(terms)}"
