"""What is asked of a model: the values, and the checks of what users give.

The library and the client both come here, so that the same mistake gets the
same words before anything is drawn or sent. NumPy only.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sketcher_tf.contract import MAX_MAGNITUDE, MAX_TRIES
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import check_stroke3, stroke3_to_stroke5

DEFAULT_TEMPERATURE = 0.3
# Of new drawings of which a critic keeps the good ones it may be freer, if
# the critic has learned to tell many words apart: among a few, most will pass.
TEMPERATURE_WITH_TRIES = 0.6
MANY_WORDS = 100
DEFAULT_TRIES = 4

Array = Any  # of NumPy, or a tensor


class Prefix(NamedTuple):
    """Points that are given and not drawn.

    Attributes:
        points: stroke-5 float32 [B, P, 5], in units of the scale factor; no
            end token among those given.
        length: int32 [B], how many of them are given.
    """

    points: Array
    length: Array


class DrawingRequest(NamedTuple):
    """What is to be drawn; a row per sketch, which does not see the others.

    Attributes:
        condition: float32 [B, C].
        seeds: int32 [B, 2]; all noise of a sketch is drawn from its pair.
        temperature: float32 [B], tau; 0 takes the likeliest at each step.
        prefix: the points to begin with; None begins with none.
    """

    condition: Array
    seeds: Array
    temperature: Array
    prefix: Prefix | None = None


def new_request(
    schema: Schema, category: str, count: int, temperature: float, seed: int
) -> DrawingRequest:
    """`count` sketches of one category, as arrays.

    Args:
        schema: of the model.
        category: see `Schema.parse`; factors not named vary from sketch to
            sketch.
        count: 1 or more.
        temperature: tau, 0 to 1e6.
        seed: 0 or more and below 2**31; sketch k has the pair (seed, k).

    Raises:
        ValueError: an unknown category, or a number that is out of range.
    """
    seeds = seed_pairs(seed, count)
    return DrawingRequest(
        varied_conditions(schema, category, seeds),
        seeds,
        temperatures(temperature, count),
    )


def request_for_each(
    condition: Array, temperature: float, seed: int
) -> DrawingRequest:
    """A sketch for each condition, [B, C]; otherwise as `new_request`."""
    count = len(condition)
    return DrawingRequest(
        condition, seed_pairs(seed, count), temperatures(temperature, count)
    )


def walk_request(
    ends: Array, count: int, temperature: float, seed: int
) -> DrawingRequest:
    """Sketches from one condition to another, all of the same noise.

    Args:
        ends: float32 [2, C].
        count: 1 or more, both ends included.
        temperature: tau, 0 to 1e6.
        seed: 0 or more and below 2**31.

    Raises:
        ValueError: a number that is out of range.
    """
    share = _shares(count)
    return DrawingRequest(
        ends[:1] * (1 - share) + ends[1:] * share,
        np.repeat(seed_pairs(seed, 1), count, axis=0),
        temperatures(temperature, count),
    )


def seed_pairs(seed: int, count: int) -> np.ndarray:
    """(seed, k) for each sketch k, int32 [count, 2].

    Raises:
        ValueError: no sketch, or a seed that is out of range.
    """
    _check_count(count)
    if not 0 <= seed < 2**31:
        raise ValueError(
            "seed must be 0 or more and below 2**31; received "
            f"{seed}. Take it modulo 2**31."
        )
    return np.array([(seed, k) for k in range(count)], np.int32)


def temperatures(temperature: float, count: int) -> np.ndarray:
    """The same one for each sketch, float32 [count].

    Raises:
        ValueError: it is no number of 0 to 1e6.
    """
    if not 0 <= temperature <= MAX_MAGNITUDE:
        raise ValueError(
            "temperature must be 0 (greedy) or a positive number, at most "
            f"{MAX_MAGNITUDE:g}; received {temperature}. Try "
            f"{DEFAULT_TEMPERATURE}."
        )
    return np.full(count, temperature, np.float32)


def temperature_of_new(
    temperature: float | None, tries: int, schema: Schema
) -> float:
    """That of new drawings.

    Args:
        temperature: tau; None is 0.6 with tries of 100 words or more, else 0.3.
        tries: how many, 1 or more.
        schema: of the model.
    """
    if temperature is not None:
        return temperature
    free = tries > 1 and len(schema.words) >= MANY_WORDS
    return TEMPERATURE_WITH_TRIES if free else DEFAULT_TEMPERATURE


def walk_latents(start: np.ndarray, stop: np.ndarray, count: int) -> np.ndarray:
    """From one drawing's latents [Z] to another's, float32 [count, Z].

    Args:
        start: the first ones.
        stop: the last ones.
        count: 1 or more, both ends included.
    """
    return slerp(start, stop, _shares(count)).astype(np.float32)


def slerp(start: np.ndarray, stop: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Spherical interpolation between vectors [Z] at shares [N, 1]: [N, Z].

    Latents of a Gaussian lie near a sphere, and so does what is between them.
    """
    # In float32 opposite vectors would seem to have an arc between them.
    start, stop, share = (
        np.asarray(x, np.float64) for x in (start, stop, share)
    )
    norms = np.linalg.norm(start) * np.linalg.norm(stop)
    cosine = np.clip(start @ stop / norms, -1, 1) if norms else 1.0
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:  # parallel: there is no arc
        return (1 - share) * start + share * stop
    return (
        np.sin((1 - share) * angle) * start + np.sin(share * angle) * stop
    ) / np.sin(angle)


def _shares(count: int) -> np.ndarray:
    """From 0 to 1 in `count` steps, float32 [count, 1]."""
    _check_count(count)
    return np.linspace(0, 1, count, dtype=np.float32)[:, None]


def number_of_tries(tries: int | None, has_critic: bool) -> int:
    """How often a sketch may be drawn, for a critic to keep one.

    Args:
        tries: 1 to 16; None is 4, or 1 without a critic.
        has_critic: see `Sketcher.has_critic`.

    Raises:
        ValueError: it is out of range, or above 1 without a critic.
    """
    if tries is None:
        return DEFAULT_TRIES if has_critic else 1
    if not 1 <= tries <= MAX_TRIES:
        raise ValueError(
            f"tries must be 1 to {MAX_TRIES}; received {tries}. Try "
            f"{DEFAULT_TRIES}."
        )
    if tries > 1 and not has_critic:
        raise ValueError(
            "drawing with tries needs a model with a critic and words to "
            f"tell apart; received tries={tries} for one without. Leave them "
            "out, or train one with --set model.critic_units=256, to its end."
        )
    return tries


def _check_count(count: int) -> None:
    if count < 1:
        raise ValueError(
            f"count must be at least 1; received {count}. Ask for one."
        )


def conditions(schema: Schema, categories: Sequence[str]) -> np.ndarray:
    """float32 [B, C]; factors not named are spread evenly.

    Raises:
        ValueError: an unknown category.
    """
    return np.stack([schema.parse(category) for category in categories])


def varied_conditions(
    schema: Schema, category: str, seeds: np.ndarray
) -> np.ndarray:
    """Of one category, float32 [B, C]; factors not named vary.

    Args:
        schema: of the model.
        category: see `Schema.parse`.
        seeds: int32 [B, 2], see `seed_pairs`.

    Raises:
        ValueError: an unknown category.
    """
    if len(schema.factors) == 1:  # which is always named
        return np.repeat(conditions(schema, [category]), len(seeds), axis=0)
    return np.stack(
        [
            schema.parse(category, np.random.default_rng(pair))
            for pair in seeds.tolist()
        ]
    )


def drawings(schema: Schema, sketches: Sequence[Sketch]) -> np.ndarray:
    """Stroke-5 float32 [B, T, 5] in pixels, T = max_seq_len + 1.

    Args:
        schema: of the model.
        sketches: in pixels.

    Raises:
        ValueError: no drawing, or one that the model cannot take: too long, or
            with an offset that is no number or beyond 1e6 pixels.
    """
    check_some(sketches)
    return np.stack([drawing(schema, sketch) for sketch in sketches])


def check_some(sketches: Sequence[Sketch]) -> None:
    """Raises: ValueError: there is no drawing."""
    if not sketches:
        raise ValueError(
            "there must be at least one drawing; received none. Give one."
        )


def drawing(schema: Schema, sketch: Sketch) -> np.ndarray:
    """One of `drawings`, float32 [T, 5]; it may be of no point.

    Raises:
        ValueError: the model cannot take it.
    """
    limit = schema.max_seq_len
    if len(sketch.stroke3) > limit:
        raise ValueError(
            f"a drawing may have at most {limit} points; received "
            f"{len(sketch.stroke3)}. Simplify it first."
        )
    stroke3 = check_stroke3(sketch.stroke3)
    if np.abs(stroke3).max(initial=0) > MAX_MAGNITUDE:
        raise ValueError(
            f"an offset may be at most {MAX_MAGNITUDE:g} pixels; received "
            f"{np.abs(stroke3).max():g}. Scale the drawing down."
        )
    return stroke3_to_stroke5(stroke3, limit + 1)
