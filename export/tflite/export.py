"""From a model to a verified .tflite file, and the drawings to verify it on."""

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.configs import DataConfig
from sketcher_tf.data import sources
from sketcher_tf.data.manifest import Manifest, read_manifest
from sketcher_tf.data.pipeline import evaluation_batches
from sketcher_tf.files import write_atomically
from sketcher_tf.schema import Schema
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import RunFolder

from . import convert
from .metadata import describe
from .verify import Report, verify

_DRAWINGS = 40  # that a quantised model is tried on


def export(
    sketcher: Sketcher,
    output: Path,
    quantize: str = "none",
    drawings: Sequence[SketchBatch] = (),
    seed: int = 0,
    encoder: bool = True,
) -> Report:
    """Converts a model, verifies the result, and writes and describes it.

    Args:
        sketcher: the model.
        output: the .tflite file.
        quantize: one of `QUANTIZATIONS`.
        drawings: a batch of one each; float32 needs none.
        seed: of the sketches that are compared.
        encoder: whether the file can also encode drawings.

    Raises:
        LossError: the file, quantised, loses too much of the drawings'
            likelihood; nothing has been written.
        ValueError: the file does not draw as the model does, or there are no
            drawings to try a quantised one on; nothing has been written.
    """
    content = convert.finish(
        convert.convert(sketcher.model, encoder), sketcher.model, quantize
    )
    report = verify(content, sketcher, drawings, seed)
    write_atomically(output, lambda path: path.write_bytes(content))
    write_atomically(
        output.with_suffix(".md"),
        lambda path: path.write_text(describe(content)),
    )
    return report


def drawings_for(
    sketcher: Sketcher, file: Path, data: str | None
) -> list[SketchBatch]:
    """Drawings to try a quantised model on, a batch of one each.

    Args:
        sketcher: the model.
        file: where it was loaded from.
        data: as for training. None takes what the model was trained on or, if
            it does not tell, what it draws itself.
    """
    data = data or _data_of(file)
    if data:
        return real_drawings(data, sketcher.schema)
    logging.info("No --data: trying the model on drawings of its own")
    return _own_drawings(sketcher)


def real_drawings(
    data: str, schema: Schema, count: int = _DRAWINGS
) -> list[SketchBatch]:
    """Held-out drawings in the units of a model, a batch of one each.

    Args:
        data: as for training.
        schema: of the model.
        count: how many at most.

    Raises:
        ValueError: the drawings are of other categories.
    """
    folder = sources.prepare(data, sources.Options())
    manifest = read_manifest(folder)
    found = manifest.schema
    if (found.factors, found.image_size) != (schema.factors, schema.image_size):
        raise ValueError(
            "the drawings must have the model's categories and image size; "
            f"received {found.words} at {found.image_size} pixels in {data}. "
            "Name with --data what the model was trained on."
        )
    batches = evaluation_batches(
        folder, manifest, _held_out(manifest), DataConfig(batch_size=1)
    )
    factor = found.scale_factor / schema.scale_factor
    fitting = (
        batch._replace(
            points=batch.points * tf.constant([factor] * 2 + [1] * 3)
        )
        for batch in batches
        if tf.reduce_sum(1 - batch.points[..., 4]) <= schema.max_seq_len
    )
    return list(itertools.islice(fitting, count))


def _held_out(manifest: Manifest) -> str:
    """The first split of these that has drawings."""
    names = ("test", "valid", "train")
    return next(name for name in names if manifest.splits[name].count)


def _data_of(file: Path) -> str | None:
    """What the run of a model was trained on, as `--data` says it."""
    schema = RunFolder(file.parent).schema
    if not schema.exists():
        return None
    return ",".join(Manifest.loads(schema.read_text()).sources) or None


def _own_drawings(sketcher: Sketcher) -> list[SketchBatch]:
    """What the model draws of itself at temperature 1, a batch of one each."""
    words = itertools.islice(itertools.cycle(sketcher.schema.words), _DRAWINGS)
    drawn = (
        (sketcher.generate(word, 1, 1.0, seed, tries=1), word)
        for seed, word in enumerate(words)
    )
    return [
        sketcher.batch(sketches, word)
        for sketches, word in drawn
        if len(sketches[0].stroke3)
    ]
