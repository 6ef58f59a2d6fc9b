"""Turns drawings of any known format into sharded TFRecords for training.

    sketcher prepare --data='drawings/**/*.svg' --output=prepared
    sketcher train --data=prepared

Training does this by itself, into a cache; this is for sets that are prepared
once and copied, or need other limits.
"""

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.cli.reading import ReadingFlags
from sketcher_tf.files import to_path

COMMAND = Command("sketcher prepare", __doc__, extra="tf", tensorflow=False)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "What to prepare: files, globs and folders, separated by commas; "
    "quickdraw:cat,crab or quickdraw:all; doodles or faces.",
    required=True,
    flag_values=COMMAND.flags,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "The folder to write; replaced if it exists.",
    required=True,
    flag_values=COMMAND.flags,
)
_MAX_SEQ_LEN = flags.DEFINE_integer(
    "max_seq_len",
    250,
    "Points of the longest drawing to take.",
    2,
    flag_values=COMMAND.flags,
)
_IMAGE_SIZE = flags.DEFINE_integer(
    "image_size",
    64,
    "Pixels per side of the rasters, a multiple of 8.",
    8,
    flag_values=COMMAND.flags,
)
flags.register_validator(
    _IMAGE_SIZE,
    lambda size: size % 8 == 0,
    "must be a multiple of 8",
    flag_values=COMMAND.flags,
)
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards",
    8,
    "Shards per split, at least; one per worker that trains.",
    1,
    flag_values=COMMAND.flags,
)
_SHARD_MB = flags.DEFINE_integer(
    "shard_mb",
    100,
    "Megabytes of a shard, at most; a worker holds one.",
    1,
    flag_values=COMMAND.flags,
)
_WORKERS = flags.DEFINE_integer(
    "workers",
    None,
    "Processes; by default one per core.",
    1,
    flag_values=COMMAND.flags,
)
_RUNNER = flags.DEFINE_string(
    "runner",
    None,
    "Prepare on Apache Beam, with this runner: DirectRunner, FlinkRunner, "
    "SparkRunner, DataflowRunner.",
    flag_values=COMMAND.flags,
)
_BEAM = flags.DEFINE_multi_string(
    "beam",
    [],
    "A flag of Beam's own, e.g. --beam=--flink_master=host:8081.",
    flag_values=COMMAND.flags,
)
_CATEGORIES = flags.DEFINE_list(
    "categories",
    None,
    "The categories to take; by default all.",
    flag_values=COMMAND.flags,
)
_FACTORS = flags.DEFINE_list(
    "factors",
    None,
    "What the label vectors of an npz mean, e.g. gender:2,view:2,emotion:7.",
    flag_values=COMMAND.flags,
)
_READING = ReadingFlags(COMMAND.flags)


def parse_factors(
    texts: list[str] | None,
) -> tuple[tuple[str, int], ...] | None:
    """`["gender:2", "view:2"]` as pairs.

    Raises:
        ValueError: a text of another form.
    """
    if texts is None:
        return None
    try:
        return tuple(
            (name, int(size))
            for name, size in (text.split(":") for text in texts)
        )
    except ValueError:
        raise ValueError(
            f"--factors must be name:size pairs; received {texts}. Write for "
            "example --factors=gender:2,view:2."
        ) from None


def main(arguments: list[str]) -> None:
    """Flags -> options -> one library call."""
    refuse_arguments(arguments, "--data='drawings/*.ndjson'")
    from sketcher_tf.data import sources

    options = sources.Options(
        strict=_READING.strict,
        max_seq_len=_MAX_SEQ_LEN.value,
        image_size=_IMAGE_SIZE.value,
        num_shards=_NUM_SHARDS.value,
        shard_bytes=_SHARD_MB.value * 10**6,
        factors=parse_factors(_FACTORS.value),
        categories=tuple(_CATEGORIES.value) if _CATEGORIES.value else None,
        label=_READING.label,
        placement=_READING.placement(whole=True),
    )
    beam = [f"--runner={_RUNNER.value}", *_BEAM.value]
    folder = sources.prepare(
        _DATA.value,
        options,
        to_path(_OUTPUT.value),
        _WORKERS.value,
        beam if _RUNNER.value else None,
    )
    sources.log_summary(folder)


if __name__ == "__main__":
    COMMAND.run(main)
