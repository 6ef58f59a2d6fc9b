"""Does a file draw what the model draws? Checked with LiteRT, as phones run it.

In float32 the same seeds must draw the same sketches, new and continued. A
quantised file draws others; there the teacher-forced log density of the points
of drawings may only fall a little. That is told in nats per point: a share of
it would say nothing, for the log of a density is 0 somewhere on its way.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.losses import reconstruction_losses
from sketcher_tf.request import DEFAULT_TEMPERATURE
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch

from .graph import unflatten
from .metadata import constant_outputs, operations
from .runtime import PhoneSketcher

# Of the drawing's longest side. Rounding in another order costs about 1e-6; the
# rest is room for its growth over a long drawing.
POINT_TOLERANCE = 1e-4
# The rise of the loss that is accepted, in nats per point. In int8 the model of
# 345 words loses 0.008 on held-out drawings and 0.013 on its own with latents
# of the model, and what it draws is recognised as often; with latents that the
# file has encoded itself, it loses 0.033 on its own.
LOSS_TOLERANCE = {"none": 1e-4, "float16": 1e-3, "int8": 0.05}
_REMEDY = {
    "none": "Report this as a fault.",
    "float16": "Export it with --quantize=none.",
    "int8": "--quantize=float16 halves the file and keeps the drawings.",
}
# Beside the built-in operations there are those of variables, which a frozen
# file must not have: phones fail on them at run time.
_VARIABLES = {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"}


class LossError(ValueError):
    """A file's loss on drawings is too far above that of its model."""


class Report(NamedTuple):
    """What was compared, and what came out.

    Attributes:
        sketches: how many pairs of sketches.
        difference: their largest, as a share of the drawing's longest side.
        drawings: how many drawings.
        loss: the model's reconstruction loss on them, in nats per point.
        rise: of the file over it, in nats per point; 0 without drawings.
    """

    sketches: int
    difference: float
    drawings: int
    loss: float
    rise: float


def verify(
    content: bytes,
    sketcher: Sketcher,
    drawings: Sequence[SketchBatch],
    seed: int = 0,
) -> Report:
    """Compares a file with the model that it was made of.

    Args:
        content: of the file.
        sketcher: the model.
        drawings: a batch of one each; float32 needs none.
        seed: of the sketches.

    Raises:
        LossError: it loses too much of the likelihood of the drawings.
        ValueError: it draws otherwise than it may, or needs drawings.
    """
    forbidden = {name for name in operations(content) if _is_foreign(name)}
    if forbidden:
        raise ValueError(
            "a phone must find all operations built in; received a file that "
            f"needs {', '.join(sorted(forbidden))}. Report this as a fault."
        )
    constants = constant_outputs(content)
    if constants:
        raise ValueError(
            "an output must be computed, or LiteRT's compiled models cannot "
            f"fill it; received constants in {', '.join(constants)}. Report "
            "this as a fault."
        )
    phone = PhoneSketcher(content)
    quantize = phone.metadata["quantization"]
    report = Report(0, 0.0, 0, 0.0, 0.0)
    if quantize == "none":
        report = _compare_sketches(phone, sketcher, seed)
        if phone.encodes:
            _compare_readings(phone, sketcher, seed)
    elif not drawings:
        raise ValueError(
            "a quantised model must be tried on drawings; received none. "
            "Name some with --data."
        )
    if drawings:
        report = _compare_losses(report, phone, sketcher.model, drawings)
    _check(report, quantize)
    return report


def _is_foreign(name: str) -> bool:
    return name in _VARIABLES or name != name.upper() or "CUSTOM" in name


def _check(report: Report, quantize: str) -> None:
    if report.difference > POINT_TOLERANCE:
        raise ValueError(
            "a file must draw as its model does, to "
            f"{POINT_TOLERANCE:g} of the drawing's size; received a difference "
            f"of {report.difference:.2g}. If another --seed passes, two "
            "choices were equally likely; else the conversion is at fault."
        )
    allowed = LOSS_TOLERANCE[quantize]
    if not report.rise <= allowed:
        raise LossError(
            f"the reconstruction loss may rise by {allowed:g} nats per point "
            f"with --quantize={quantize}; received {report.rise:.4f} above "
            f"{report.loss:.4f}. {_REMEDY[quantize]}"
        )


def _compare_sketches(
    phone: PhoneSketcher, sketcher: Sketcher, seed: int
) -> Report:
    """New and continued sketches of a few words, greedy and at random."""
    schema = sketcher.schema
    differences = []
    for k, word in enumerate(schema.words[:3]):
        number = seed + k
        condition = schema.parse(word, np.random.default_rng([number, 0]))
        for temperature in (0.0, DEFAULT_TEMPERATURE):
            how = temperature, number
            (wanted,) = sketcher.generate(word, 1, *how, tries=1)
            begun = Sketch(wanted.stroke3[: len(wanted.stroke3) // 2], word)
            (continued,) = sketcher.complete(begun, None, 1, *how, tries=1)
            differences += [
                difference(phone.generate(condition, *how), wanted),
                difference(phone.generate_at_once(condition, *how), wanted),
                difference(phone.complete(begun, condition, *how), continued),
            ]
    return Report(len(differences), max(differences), 0, 0.0, 0.0)


def _compare_readings(
    phone: PhoneSketcher, sketcher: Sketcher, seed: int
) -> None:
    """Of a new sketch of a few words; the file sees the model's picture.

    Raises:
        ValueError: the file encodes or recognises otherwise than its model.
    """
    model = sketcher.model
    for k, word in enumerate(sketcher.schema.words[:3]):
        (sketch,) = sketcher.generate(word, 1, 1.0, seed + k, tries=1)
        if not len(sketch.stroke3):
            continue
        batch = sketcher.batch([sketch], word)
        _, latents = _model_loss(model, batch)
        _check_reading("encode", _phone_latents(phone, batch), latents[0])
        if phone.recognizes:
            wanted = model.critic_log_probs(batch.points)[0]
            found = phone.run("recognize", **_drawing(phone, batch))
            _check_reading("recognize", found["log_probs"][0], wanted)


def _check_reading(name: str, found: np.ndarray, wanted: tf.Tensor) -> None:
    off = np.abs(found - wanted).max()
    if off > POINT_TOLERANCE:
        raise ValueError(
            f"a file must {name} as its model does, to {POINT_TOLERANCE:g}; "
            f"received a difference of {off:.2g}. The conversion is at fault."
        )


def difference(drawn: Sketch, wanted: Sketch) -> float:
    """How far off points are, per longest side; inf if the pens differ."""
    pens = (drawn.stroke3[:, 2], wanted.stroke3[:, 2])
    if drawn.finished != wanted.finished or not np.array_equal(*pens):
        return np.inf
    if not len(wanted.stroke3):
        return 0.0
    places = [
        np.cumsum(sketch.stroke3[:, :2], axis=0, dtype=np.float64)
        for sketch in (drawn, wanted)
    ]
    size = np.ptp(places[1], axis=0).max()
    off = np.abs(places[0] - places[1]).max()
    return float(off / size) if size else float(off)


def _compare_losses(
    report: Report,
    phone: PhoneSketcher,
    model: AISketcher,
    drawings: Sequence[SketchBatch],
) -> Report:
    """The loss by the model and by the file, which encodes if it can."""
    wanted = tf.function(_model_loss, reduce_retracing=True, autograph=False)
    pairs = []
    for batch in drawings:
        loss, latents = wanted(model, batch)
        latents = latents[0].numpy()
        if phone.encodes:
            latents = _phone_latents(phone, batch)
        pairs.append((float(loss), _phone_loss(phone, model, batch, latents)))
    # Losses are sums over the points, divided by N_max.
    points = sum(tf.reduce_sum(1 - batch.points[..., 4]) for batch in drawings)
    loss, drawn = np.sum(pairs, axis=0) * model.schema.max_seq_len / points
    return report._replace(
        drawings=len(pairs), loss=float(loss), rise=float(drawn - loss)
    )


def _model_loss(
    model: AISketcher, batch: SketchBatch
) -> tuple[tf.Tensor, tf.Tensor]:
    latents = model.encode(batch).mean
    params = model.teacher_forced(batch.points, batch.condition, latents)
    losses = reconstruction_losses(
        batch.points, params, model.schema.max_seq_len
    )
    return tf.add(*losses)[0], latents


def _phone_latents(phone: PhoneSketcher, batch: SketchBatch) -> np.ndarray:
    """As the file encodes the one drawing of a batch, float32 [Z]."""
    given = {
        "condition": batch.condition.numpy(),
        "picture": batch.image.numpy(),
        **_drawing(phone, batch),
    }
    inputs = phone.inputs("encode")
    chosen = {name: given[name] for name in inputs}
    return phone.run("encode", **chosen)["latents"][0]


def _drawing(phone: PhoneSketcher, batch: SketchBatch) -> dict[str, np.ndarray]:
    """The one drawing of a batch as the encoder takes it."""
    limit = phone.metadata["max_seq_len"]
    points = batch.points[:, :limit].numpy()
    rest = limit - points.shape[1]
    drawn = np.count_nonzero(batch.points[:, :, 4] == 0)
    return {
        "points": np.pad(points, ((0, 0), (0, rest), (0, 0))),
        "length": np.array([drawn], np.int32),
    }


def _phone_loss(
    phone: PhoneSketcher,
    model: AISketcher,
    batch: SketchBatch,
    latents: np.ndarray,
) -> float:
    points = batch.points[0].numpy()
    points = points[: int((points[:, 4] == 0).sum()) + 1]  # one end token
    rows = phone.predict(points, batch.condition[0].numpy(), latents)
    losses = reconstruction_losses(
        points[None],
        tf.nest.map_structure(lambda field: field[None], unflatten(rows)),
        model.schema.max_seq_len,
    )
    return float(tf.add(*losses)[0])
