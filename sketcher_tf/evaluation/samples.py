"""What a model draws for its evaluation: anew, given a whole, given a half."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sketcher_tf.request import DEFAULT_TEMPERATURE
from sketcher_tf.schema import Schema
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import is_closed, polylines_to_stroke3

BLEND_SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
_BLENDS = 8  # pairs of words
_COUNTED = 10  # new drawings of a word whose tries are counted
_AT_ONCE = 100  # drawings that are auto-encoded together


@dataclass(frozen=True)
class Samples:
    """Drawings of one model.

    Attributes:
        generated: word -> new drawings.
        redrawn: one drawing per held-out one: `reconstructed`, auto-encoded;
            `completed`, given its first half; and `completed_reread`, given it
            as another hand would have drawn it.
        blends: `first to second` -> one drawing per share of BLEND_SHARES.
        tries: how often the first new drawings of each word were drawn, int
            [D].
    """

    generated: Mapping[str, Sequence[Sketch]]
    redrawn: Mapping[str, Sequence[Sketch]]
    blends: Mapping[str, Sequence[Sketch]]
    tries: np.ndarray


def draw(
    sketcher: Sketcher,
    held_out: Sequence[Sketch],
    count: int,
    temperature: float | None,
    seed: int,
) -> Samples:
    """Draws all that is measured and shown.

    Args:
        sketcher: the model.
        held_out: whole real drawings; the category names all their factors.
        count: new drawings per word.
        temperature: tau; None is that of `Sketcher.generate` for new drawings
            and 0.3 for others.
        seed: int32; the same seed draws the same.
    """
    generated, tries = {}, []
    for word in sketcher.schema.words:
        logging.info("Drawing %d of %s", count, word)
        generated[word] = sketcher.generate(word, count, temperature, seed)
        some = min(count, _COUNTED)
        tries.append(sketcher.count_tries(word, some, temperature, seed))
    blends = {
        name: [
            sketcher.generate(text, 1, temperature, seed)[0] for text in texts
        ]
        for name, texts in blends_of(sketcher.schema).items()
    }
    tau = DEFAULT_TEMPERATURE if temperature is None else temperature
    redrawn = _redraw(sketcher, held_out, tau, seed)
    return Samples(generated, redrawn, blends, np.concatenate(tries))


def _redraw(
    sketcher: Sketcher,
    held_out: Sequence[Sketch],
    temperature: float,
    seed: int,
) -> dict[str, list[Sketch]]:
    """See `Samples.redrawn`."""
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
    halves = [first_half(sketch) for sketch in held_out]
    rng = np.random.default_rng(seed)
    return {
        "reconstructed": reconstructed,
        "completed": _complete(sketcher, halves, temperature, seed),
        "completed_reread": _complete(
            sketcher, [reread(half, rng) for half in halves], temperature, seed
        ),
    }


def _complete(
    sketcher: Sketcher, given: Sequence[Sketch], temperature: float, seed: int
) -> list[Sketch]:
    """A continuation of each drawing, with a seed of its own."""
    logging.info("Completing %d drawings", len(given))
    return [
        sketcher.complete(
            sketch, temperature=temperature, seed=(seed + i) % 2**31
        )[0]
        for i, sketch in enumerate(given)
    ]


def first_half(sketch: Sketch) -> Sketch:
    """The first half of a drawing's points, rounded down, one at least."""
    points = max(len(sketch.stroke3) // 2, 1)
    return Sketch(sketch.stroke3[:points], sketch.category, finished=False)


def reread(sketch: Sketch, rng: np.random.Generator) -> Sketch:
    """The same lines by another hand: reversed, closed ones begun elsewhere.

    A stroke that is still being drawn becomes one that is done.

    Args:
        sketch: may be part of a drawing.
        rng: says where.
    """
    lines = [_by_another_hand(line, rng) for line in sketch.polylines]
    return Sketch(polylines_to_stroke3(lines), sketch.category, sketch.finished)


def _by_another_hand(line: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    line = line[::-1]
    if not is_closed(line):
        return line
    begun = np.roll(line[:-1], rng.integers(len(line) - 1), axis=0)
    return np.concatenate([begun, begun[:1]])


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
