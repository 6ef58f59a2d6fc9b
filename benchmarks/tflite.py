"""What the precisions of a file for phones cost: size, speed, quality.

    python -m benchmarks.tflite
    python -m benchmarks.tflite --model=runs/cats --data='cats/*.ndjson'

Without --model it takes untrained weights at paper sizes, which are as fast.
All run on one thread of this machine; what counts are the ratios.
"""

from collections.abc import Callable, Sequence

import numpy as np
from absl import flags

from benchmarks.train_step import race
from export.tflite import QUANTIZATIONS, convert, export
from export.tflite.runtime import PhoneSketcher
from export.tflite.verify import Report, verify
from sketcher_tf.batch import SketchBatch
from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.configs import PRESETS
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.sketcher import Sketcher

COMMAND = Command("python -m benchmarks.tflite", __doc__)
_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A run folder or .keras file; else paper sizes.",
    flag_values=COMMAND.flags,
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Drawings to measure the loss on; else none.",
    flag_values=COMMAND.flags,
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 7, "How often each one is run.", 1, flag_values=COMMAND.flags
)
_CALLS = 100  # steps per round
_GIVEN = 30  # points of the drawing that is continued


def make_sketcher(model: str | None) -> Sketcher:
    """The model to measure; None is an untrained one at paper sizes."""
    if model is not None:
        return Sketcher.load(model)
    words = tuple(f"category {number}" for number in range(33))
    schema = Schema((Factor("category", words),), 36.0, 210, 64)
    return Sketcher(AISketcher(PRESETS["paper"], schema))


def start_up(content: bytes) -> Callable[[], object]:
    """A call that loads the file and draws one point."""

    def run() -> object:
        phone = PhoneSketcher(content)
        return phone.run("step", **_zeros(phone, "step"))

    return run


def points(phone: PhoneSketcher) -> Callable[[], object]:
    """A call that draws `_CALLS` points."""
    inputs = _zeros(phone, "step")

    def run() -> object:
        return [phone.run("step", **inputs) for _ in range(_CALLS)]

    return run


def prefix(phone: PhoneSketcher) -> Callable[[], object]:
    """A call that reads a drawing of `_GIVEN` points."""
    inputs = _zeros(phone, "encode_prefix")
    inputs["length"] = np.array([_GIVEN], np.int32)
    return lambda: phone.run("encode_prefix", **inputs)


def _zeros(phone: PhoneSketcher, signature: str) -> dict[str, np.ndarray]:
    return {
        name: np.zeros(shape, dtype)
        for name, (shape, dtype) in phone.inputs(signature).items()
    }


def losses(
    files: dict[str, bytes], sketcher: Sketcher, drawings: Sequence[SketchBatch]
) -> dict[str, Report]:
    """The loss of each file on the drawings; none without drawings."""
    if not drawings:
        return {}
    return {
        name: verify(content, sketcher, drawings)
        for name, content in files.items()
    }


def main(arguments: list[str]) -> None:
    """Measures, and prints a Markdown table."""
    refuse_arguments(arguments, "--model=runs/doodles")
    sketcher = make_sketcher(_MODEL.value)
    drawings = []
    if _DATA.value:
        drawings = export.real_drawings(_DATA.value, sketcher.schema)
    converted = convert.convert(sketcher.model)
    files = {
        name: convert.finish(converted, sketcher.model, name)
        for name in QUANTIZATIONS
    }
    phones = {name: PhoneSketcher(file) for name, file in files.items()}
    rounds = _ROUNDS.value
    loading = race({n: start_up(f) for n, f in files.items()}, rounds)
    drawing = race({n: points(p) for n, p in phones.items()}, rounds)
    reading = race({n: prefix(p) for n, p in phones.items()}, rounds)
    reports = losses(files, sketcher, drawings)
    print(
        "| --quantize | MB | start-up, ms | ms per point | "
        f"ms to read {_GIVEN} points | nats per point |\n"
        "|---|---|---|---|---|---|"
    )
    for name, content in files.items():
        rise = f"{reports[name].rise:+.4f}" if reports else ""
        print(
            f"| {name} | {len(content) / 1e6:.2f} | {loading[name] * 1e3:.0f} "
            f"| {drawing[name] * 1e3 / _CALLS:.2f} "
            f"| {reading[name] * 1e3:.0f} | {rise} |"
        )


if __name__ == "__main__":
    COMMAND.run(main)
