"""Trains a model, from drawings to a run folder.

    sketcher train
    sketcher train --data='drawings/*.ndjson'
    sketcher train --data=quickdraw:cat,crab,pig --preset=paper
    sketcher train --data=mine --init=quickdraw

The last one begins with a trained model: minutes, where anew it takes hours.
With no flag it trains on doodles that the project draws itself, in minutes on
two cores. The same command after an interruption goes on where it was.
"""

import dataclasses
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.cli.reading import ReadingFlags
from sketcher_tf.configs import PRESETS, Config
from sketcher_tf.training.run_folder import RUNS, RunFolder

if TYPE_CHECKING:
    from sketcher_tf.training.transfer import Origin

COMMAND = Command("sketcher train", __doc__, extra="tf")
_DATA = flags.DEFINE_string(
    "data",
    "doodles",
    "What to learn from: doodles or faces (drawn by the project), "
    "quickdraw:cat,crab or quickdraw:all (downloaded), files, globs and "
    "folders of drawings, or a folder made by sketcher_tf.prepare.",
    flag_values=COMMAND.flags,
)
_PRESET = flags.DEFINE_enum(
    "preset",
    None,
    sorted(PRESETS),
    "The settings to begin with. By default quick for the project's own "
    "drawings, paper for people's, and finetune with --init.",
    flag_values=COMMAND.flags,
)
_INIT = flags.DEFINE_string(
    "init",
    None,
    "The model to begin with, whatever words it knows: a name, a run folder or "
    "a file, as for sketcher draw.",
    flag_values=COMMAND.flags,
)
_KEEP_WORDS = flags.DEFINE_bool(
    "keep_words",
    False,
    "With --init: keep the words that the data lack.",
    flag_values=COMMAND.flags,
)
_SET = flags.DEFINE_multi_string(
    "set",
    [],
    "A setting of its own, e.g. --set data.batch_size=50.",
    flag_values=COMMAND.flags,
)
_EPOCHS = flags.DEFINE_integer(
    "epochs",
    None,
    "Sets training.epochs.",
    flag_values=COMMAND.flags,
)
_SEED = flags.DEFINE_integer(
    "seed",
    None,
    "Sets training.seed.",
    lower_bound=0,
    upper_bound=2**31 - 1,
    flag_values=COMMAND.flags,
)
_RUN = flags.DEFINE_string(
    "run",
    None,
    "The run folder; by default runs/, the data and the preset.",
    flag_values=COMMAND.flags,
)
_RESTART = flags.DEFINE_bool(
    "restart",
    False,
    "Forget the run and begin anew.",
    flag_values=COMMAND.flags,
)
_MAX_SEQ_LEN = flags.DEFINE_integer(
    "max_seq_len",
    250,
    "Points of the longest drawing to take.",
    2,
    flag_values=COMMAND.flags,
)
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "one_device",
    ["one_device", "mirrored", "multi_worker"],
    "How replicas share a batch: mirrored over this machine's devices, or "
    "multi_worker over the machines of the TF_CONFIG variable.",
    flag_values=COMMAND.flags,
)
_READING = ReadingFlags(COMMAND.flags)


def make_config(origin: "Origin | None" = None) -> Config:
    """The configuration that the flags ask for.

    Args:
        origin: the model to begin with.
    """
    config = PRESETS[_preset(origin)]
    if origin:
        config = config.continued(origin.model.config, origin.fingerprint)
    changes: list[tuple[str, Any]] = []
    for setting in _SET.value:
        name, _, value = setting.partition("=")
        changes.append((name, value))
    if _EPOCHS.value is not None:
        changes.append(("training.epochs", _EPOCHS.value))
    if _SEED.value is not None:
        changes.append(("training.seed", _SEED.value))
    return config.replace(changes)


def _preset(origin: "Origin | None") -> str:
    from sketcher_tf.data.prepare.pieces import DRAWN

    drawn = _DATA.value in DRAWN
    if _PRESET.value == "quick" and not drawn and not origin:
        logging.warning(
            "The preset quick is for the drawings of the project: of people's "
            "it makes scribbles. Use --init=quickdraw (10 minutes), "
            "--preset=medium (15 minutes for ten words) or --preset=paper."
        )
    usual = "finetune" if origin else "quick" if drawn else "paper"
    return _PRESET.value or usual


def find_origin() -> "Origin | None":
    """The model that the flags ask to begin with.

    Raises:
        FileNotFoundError: there is none.
        ValueError: its words are to be kept, but it is not named; or the
            preset is for what begins with a model.
    """
    if _INIT.value:
        from sketcher_tf.training.transfer import Origin

        return Origin.load(_INIT.value, _KEEP_WORDS.value)
    for flag, given in (
        ("--keep_words", _KEEP_WORDS.value),
        ("--preset=finetune", _PRESET.value == "finetune"),
    ):
        if given:
            raise ValueError(
                f"{flag} is for a training that begins with a model; received "
                "none. Name it, for example --init=quickdraw."
            )
    return None


def run_folder() -> RunFolder:
    """The run folder that the flags ask for; the same for the same flags."""
    if _RUN.value:
        return RunFolder(Path(_RUN.value))
    words = [_DATA.value, _PRESET.value or "", _INIT.value or ""]
    name = re.sub(r"[^\w]+", "-", "-".join(words)).strip("-")
    return RunFolder(RUNS / name[-80:])


def main(arguments: list[str]) -> None:
    """Flags -> configuration -> one library call."""
    refuse_arguments(arguments, "--data='drawings/*.ndjson'")
    from sketcher_tf.data import sources
    from sketcher_tf.training.trainer import train
    from sketcher_tf.training.workers import make_strategy

    # Workers have to be connected before TensorFlow does anything else.
    strategy = make_strategy(_STRATEGY.value)
    origin = find_origin()
    config = make_config(origin)
    run = run_folder()
    options = sources.Options(
        strict=_READING.strict,
        max_seq_len=_MAX_SEQ_LEN.value,
        label=_READING.label,
        placement=_READING.placement(whole=True),
    )
    if origin:
        size = origin.model.schema.image_size
        options = dataclasses.replace(options, image_size=size)
    data = sources.prepare(_DATA.value, options)
    sources.log_summary(data)
    train(config, data, run, strategy, _RESTART.value, origin)
    logging.info("Done: %s, %s", run.model, run.sheet)


if __name__ == "__main__":
    COMMAND.run(main)
