"""Draws with a trained model.

    python -m sketcher_tf.generate --category=cat,fish --output=animals.png
    python -m sketcher_tf.generate --category='cat*0.5+fish*0.5' --seed=7
    python -m sketcher_tf.generate --complete=half.ndjson --count=8
    python -m sketcher_tf.generate --reconstruct=cats.ndjson
    python -m sketcher_tf.generate --interpolate a.ndjson b.ndjson

The ending of --output decides what is written: .png and .svg a sheet, .gif the
drawing being drawn, .ndjson Quick, Draw!'s simplified format, .json polylines,
.npz Sketch-RNN's format, .hpgl a sheet for pen plotters.
"""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app, flags, logging

from sketcher_tf import rendering
from sketcher_tf.data.flags import given_sketches
from sketcher_tf.sketcher import DEFAULT_TEMPERATURE, Sketcher
from sketcher_tf.sketches import Sketch

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A run folder, .keras file or name of a pretrained model, or several "
    "separated by commas; by default the newest run.",
)
_CATEGORY = flags.DEFINE_multi_string(
    "category",
    [],
    "What to draw: words of the model, separated by commas; cat*0.5+pig*0.5 "
    "is a blend. By default all of them.",
)
_COUNT = flags.DEFINE_integer(
    "count", 10, "Sketches per category, per given drawing, or steps.", 1
)
_TEMPERATURE = flags.DEFINE_float(
    "temperature", DEFAULT_TEMPERATURE, "0 is greedy, 1 the model's own.", 0.0
)
_GREEDY = flags.DEFINE_bool(
    "greedy", False, "The likeliest point at each step; temperature 0."
)
_SEED = flags.DEFINE_integer(
    "seed",
    None,
    "The same seed draws the same; by default a new one.",
    0,
    2**31 - 1,
)
_COMPLETE = flags.DEFINE_string(
    "complete", None, "A file of partial drawings to continue, --count ways."
)
_RECONSTRUCT = flags.DEFINE_string(
    "reconstruct", None, "A file of drawings to encode and draw anew."
)
_INTERPOLATE = flags.DEFINE_string(
    "interpolate",
    None,
    "Two files: walk from one's first drawing to the other's.",
)
_LIMIT = flags.DEFINE_integer(
    "limit", 10, "How many drawings of a file to take, from its start.", 1
)
_OUTPUT = flags.DEFINE_string(
    "output",
    "sketches.png",
    "Where to: .png, .svg, .animated.svg, .gif, .ndjson, .json, .npz or .hpgl.",
)
# Formats without labels, of a row per sketch.
_DATA = (".ndjson", ".json", ".npz")

_SEPARATE = flags.DEFINE_bool(
    "separate", False, "One file per sketch instead of a sheet."
)


def draw(sketcher: Sketcher, seed: int, last: Sequence[str]) -> rendering.Sheet:
    """What the flags ask for, in labelled rows.

    Args:
        sketcher: draws it.
        seed: of all of it.
        last: the second file of --interpolate.
    """
    temperature = 0.0 if _GREEDY.value else _TEMPERATURE.value
    options = {"temperature": temperature, "seed": seed}
    count = _COUNT.value
    if last and not _INTERPOLATE.value:
        raise ValueError(
            "all but the second file of --interpolate is given by flags; "
            f"received {list(last)}. Write for example --category=cat."
        )
    words = _words(sketcher)
    category = words[0] if _CATEGORY.value else None
    if _COMPLETE.value:
        given = _read(sketcher, _COMPLETE.value, whole=False)
        return {
            f"{category or sketch.category} {i + 1}": sketcher.complete(
                sketch, category, count, **options
            )
            for i, sketch in enumerate(given)
        }
    if _RECONSTRUCT.value:
        given = _read(sketcher, _RECONSTRUCT.value)
        drawn = sketcher.reconstruct(given, category, **options)
        return (
            {"drawn": drawn}
            if _one_each()
            else {"given": given, "drawn": drawn}
        )
    if _INTERPOLATE.value:
        if len(last) != 1:
            raise ValueError(
                "--interpolate takes two files; received "
                f"{[_INTERPOLATE.value, *last]}. Write --interpolate A B."
            )
        start, stop = (
            _read(sketcher, file)[0] for file in (_INTERPOLATE.value, *last)
        )
        return {"": sketcher.interpolate(start, stop, count, **options)}
    return {word: sketcher.generate(word, count, **options) for word in words}


def _read(sketcher: Sketcher, file: str, whole: bool = True) -> list[Sketch]:
    return given_sketches(file, _LIMIT.value, sketcher.schema, whole=whole)


def _words(sketcher: Sketcher) -> list[str]:
    """Conditions; with several factors a comma stands between factors."""
    schema = sketcher.schema
    if not _CATEGORY.value:
        return list(schema.words)
    if len(schema.factors) > 1:
        return _CATEGORY.value
    return [w.strip() for text in _CATEGORY.value for w in text.split(",")]


def draw_all(seed: int, last: Sequence[str]) -> rendering.Sheet:
    """`draw`, with each of the models; rows of one name are told apart."""
    names = (_MODEL.value or "").split(",")
    sheet: dict[str, Sequence[Sketch]] = {}
    for name in names:
        drawn = draw(Sketcher.load(name.strip() or None), seed, last)
        for label, sketches in drawn.items():
            model = f" {Path(name).stem}" if label in sheet else ""
            sheet[label + model] = sketches
    return sheet


def _one_each() -> bool:
    return _SEPARATE.value or _OUTPUT.value.endswith(_DATA)


def main(argv: list[str]) -> None:
    """Flags -> a sheet of sketches -> files."""
    logging.set_verbosity(logging.INFO)
    seed = secrets.randbelow(2**31) if _SEED.value is None else _SEED.value
    try:
        rendering.encoder(Path(_OUTPUT.value))  # before any work is done
        sheet = draw_all(seed, argv[1:])
        paths = rendering.save(
            sheet, Path(_OUTPUT.value), separate=_SEPARATE.value
        )
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info("Drew %s with --seed=%d", ", ".join(map(str, paths)), seed)


if __name__ == "__main__":
    app.run(main)
