"""Calls, and what the Python API answers to them: an export's measure."""

from collections.abc import Sequence

import numpy as np

from sketcher_tf.contract import Arrays, Metadata
from sketcher_tf.model import sampling
from sketcher_tf.rendering.raster import rasterize_all
from sketcher_tf.request import drawings, new_request, number_of_tries
from sketcher_tf.schema import Schema
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import stroke3_to_stroke5

from .warmup import Call

_SEED = 7
_TEMPERATURE = 0.5
_COUNT = 4  # rows per call
_POINTS = 5  # per step


def a_condition(schema: Schema) -> str:
    """A word for every factor, so that none is left to chance."""
    return ",".join(f"{f.name}={f.values[0]}" for f in schema.factors)


def stateless_calls(sketcher: Sketcher, metadata: Metadata) -> list[Call]:
    """A call of each signature of `contract.SKETCHER`."""
    word, schema = a_condition(sketcher.schema), sketcher.schema
    how = _TEMPERATURE, _SEED
    drawn = sketcher.generate(word, _COUNT, *how, tries=1)
    half = _half(max(drawn, key=lambda sketch: len(sketch.stroke3)))
    completed = sketcher.complete(half, word, _COUNT, *how, tries=1)
    redrawn = _on_wire(sketcher.reconstruct(drawn, word, *how), schema)

    request = new_request(schema, word, _COUNT, *how)
    condition = {"condition": request.condition}
    noise = {"seed": request.seeds, "temperature": request.temperature}
    start = {"strokes": _on_wire([half] * _COUNT, schema)["strokes"]}
    whole = _pictured(drawn, schema)
    latents = {"latents": sketcher.encode(drawn, word)}
    return [
        Call("generate", {**condition, **noise}, _on_wire(drawn, schema)),
        Call(
            "complete",
            {**start, **condition, **noise},
            _on_wire(completed, schema),
        ),
        *_calls_with_tries(
            sketcher,
            {**condition, **noise},
            {**start, **condition, **noise},
            half,
        ),
        Call("reconstruct", {**whole, **condition, **noise}, redrawn),
        Call("encode", {**whole, **condition}, latents),
        Call("decode", {**latents, **condition, **noise}, redrawn),
        Call(
            "labels",
            {"row": np.zeros(1, np.int32)},
            {"metadata": np.array([metadata.dumps().encode()])},
        ),
    ]


def _calls_with_tries(
    sketcher: Sketcher, anew: Arrays, begun: Arrays, half: Sketch
) -> list[Call]:
    """As `generate` and `complete` are called, with the tries of each row."""
    word, schema = a_condition(sketcher.schema), sketcher.schema
    most = number_of_tries(None, sketcher.has_critic)
    how = _TEMPERATURE, _SEED, most
    tries = {"tries": np.full(_COUNT, most, np.int32)}
    drawn = sketcher.generate(word, _COUNT, *how)
    completed = sketcher.complete(half, word, _COUNT, *how)
    return [
        Call("generate_best", {**anew, **tries}, _on_wire(drawn, schema)),
        Call("complete_best", {**begun, **tries}, _on_wire(completed, schema)),
    ]


def session_calls(sketcher: Sketcher, metadata: Metadata) -> list[Call]:
    """A sketch drawn step by step, and again from its middle on."""
    word = a_condition(sketcher.schema)
    sketches = sketcher.generate(word, _COUNT, _TEMPERATURE, _SEED, tries=1)
    k = int(np.argmax([len(sketch.stroke3) for sketch in sketches]))
    request = new_request(sketcher.schema, word, _COUNT, _TEMPERATURE, _SEED)
    latents = sampling.draw_latents(sketcher.model, request).numpy()[k]
    session = {
        "condition": request.condition[k],
        "seed": request.seeds[k],
        "temperature": request.temperature[k],
    }
    middle = len(sketches[k].stroke3) // 2
    closing = {"session_id": _int64(1)}
    return [
        *_drawing(_int64(1), session, sketches[k], 0, latents, latents[:0]),
        *_drawing(_int64(2), session, sketches[k], middle, latents, latents),
        Call("close", closing, {"closed": np.array(True)}),
        Call("close", closing, {"closed": np.array(False)}),
        Call("stats", {}, {"open": _int64(1), "evicted": _int64(0)}),
        Call("labels", {}, {"metadata": np.array(metadata.dumps().encode())}),
    ]


def _drawing(
    session_id: np.ndarray,
    session: Arrays,
    sketch: Sketch,
    given: int,
    latents: np.ndarray,
    sent: np.ndarray,
) -> list[Call]:
    """Opens a session with `given` points, and draws the rest; a step twice."""
    points = stroke3_to_stroke5(sketch.stroke3[:given], given + 1)[:given]
    opening = {
        "session_id": session_id,
        **session,
        "strokes": points,
        "latents": sent,
    }
    opened = {"latents": latents, "length": _int32(given)}
    steps = _steps(session_id, sketch, given)
    return [Call("open", opening, opened), *steps, steps[-1]]


def _steps(session_id: np.ndarray, sketch: Sketch, given: int) -> list[Call]:
    """The steps from point `given` on, to the one that brings the end."""
    count = len(sketch.stroke3)
    strokes = stroke3_to_stroke5(sketch.stroke3, count + 1)[:count]
    starts = range(given, count + 1, _POINTS)
    return [
        Call(
            "step",
            {
                "session_id": session_id,
                "step": _int64(number),
                "num_points": _int32(_POINTS),
            },
            {
                "strokes": strokes[start : start + _POINTS],
                "length": _int32(min(start + _POINTS, count)),
                "finished": np.array(
                    sketch.finished and start + _POINTS > count
                ),
            },
        )
        for number, start in enumerate(starts)
    ]


def _int32(number: int) -> np.ndarray:
    return np.array(number, np.int32)


def _int64(number: int) -> np.ndarray:
    return np.array(number, np.int64)


def _half(sketch: Sketch) -> Sketch:
    return Sketch(sketch.stroke3[: len(sketch.stroke3) // 2])


def _on_wire(sketches: Sequence[Sketch], schema: Schema) -> Arrays:
    return {
        "strokes": drawings(schema, sketches),
        "length": np.array([len(s.stroke3) for s in sketches], np.int32),
        "finished": np.array([sketch.finished for sketch in sketches]),
    }


def _pictured(sketches: Sequence[Sketch], schema: Schema) -> Arrays:
    polylines = [sketch.polylines for sketch in sketches]
    return {
        "strokes": drawings(schema, sketches),
        "image": rasterize_all(polylines, schema.image_size),
    }
