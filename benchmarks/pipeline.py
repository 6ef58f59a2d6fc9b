"""How fast batches come, and what each of several workers reads for them.

    python -m benchmarks.pipeline --data='drawings/*.ndjson'

The input pipeline alone, without a model, with the augmentations of each
preset: some steps of one worker, then a whole epoch of some of several, one
after another. Bytes are what Linux says that the process has read.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import rich
import tensorflow as tf
from absl import flags
from rich.table import Table

from sketcher_tf.batch import SketchBatch
from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.configs import PRESETS, DataConfig
from sketcher_tf.data import sources
from sketcher_tf.data.manifest import Manifest, read_manifest
from sketcher_tf.data.pipeline import steps_per_epoch, training_batches
from sketcher_tf.data.sharing import ALONE, Share

COMMAND = Command("python -m benchmarks.pipeline", __doc__)
_DATA = flags.DEFINE_string(
    "data", "doodles", "As for sketcher_tf.train.", flag_values=COMMAND.flags
)
_WORKERS = flags.DEFINE_integer(
    "workers", 4, "How many share an epoch.", 2, flag_values=COMMAND.flags
)
_MEASURED = flags.DEFINE_integer(
    "measured", 1, "How many of them to run.", 0, flag_values=COMMAND.flags
)
_STEPS = flags.DEFINE_integer(
    "steps", 300, "Of one worker alone.", 2, flag_values=COMMAND.flags
)
_PRESETS = flags.DEFINE_list(
    "presets", ["sketch_rnn", "paper"], "By turns.", flag_values=COMMAND.flags
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 100, "Drawings of a batch.", 1, flag_values=COMMAND.flags
)


class Measured(NamedTuple):
    """What an epoch of batches has taken.

    Attributes:
        drawings: in all batches.
        seconds: after the first batch had come.
        cpu: seconds of all cores.
        first: seconds until the first batch.
        bytes: read by the process.
    """

    drawings: int
    seconds: float
    cpu: float
    first: float
    bytes: int


def bytes_read() -> int:
    """By this process, from files of any kind."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def measure(batches: Iterable[SketchBatch]) -> Measured:
    """Takes all batches, and does nothing with them."""
    before, begin = bytes_read(), time.perf_counter()
    rest = iter(batches)
    drawings = len(next(rest)[0])
    start, cpu = time.perf_counter(), time.process_time()
    drawings += sum(len(batch[0]) for batch in rest)
    return Measured(
        drawings,
        time.perf_counter() - start,
        time.process_time() - cpu,
        start - begin,
        bytes_read() - before,
    )


def batches_of(
    folder: Path, manifest: Manifest, config: DataConfig, share: Share
) -> tf.data.Dataset:
    """Those of an epoch."""
    steps = steps_per_epoch(manifest.splits["train"], config)
    return training_batches(folder, manifest, config, 0, range(1), steps, share)


def main(arguments: list[str]) -> None:
    """Flags -> a table."""
    refuse_arguments(arguments, "--workers=4")
    folder = sources.prepare(_DATA.value, sources.Options())
    manifest = read_manifest(folder)
    names = manifest.splits["train"].shards
    size = sum((folder / name).stat().st_size for name in names)
    table = Table(title=f"{len(names)} shards, {size / 1e6:.1f} MB")
    for name in ("", "drawings", "/s", "us of CPU each", "first, s", "MB"):
        table.add_column(name)
    workers = _WORKERS.value
    shares = [Share(i, workers) for i in range(min(_MEASURED.value, workers))]
    for preset in _PRESETS.value:
        changes = {"data.batch_size": _BATCH_SIZE.value}
        config = PRESETS[preset].replace(changes.items()).data
        for share in [ALONE, *shares]:
            batches = batches_of(folder, manifest, config, share)
            if share == ALONE:
                batches = batches.take(_STEPS.value)
            result = measure(batches)
            table.add_row(
                f"{preset}, worker {share.worker + 1} of {share.workers}",
                str(result.drawings),
                f"{result.drawings / result.seconds:.0f}",
                f"{result.cpu / result.drawings * 1e6:.0f}",
                f"{result.first:.1f}",
                f"{result.bytes / 1e6:.1f}",
            )
    rich.print(table)


if __name__ == "__main__":
    COMMAND.run(main)
