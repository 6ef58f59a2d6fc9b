import dataclasses
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import sketcher_tf.model.ai_sketcher  # noqa: F401  Keras then knows its classes
from sketcher_tf import train
from sketcher_tf.configs import PRESETS
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import training_batches
from sketcher_tf.training.run_folder import RunFolder, read_history
from sketcher_tf.training.schedules import LearningRate
from tests.testing import processes, toys
from tests.testing.processes import FAILED, KILLED

# One epoch is 4 steps.
STEPS = 4
# No sheets along the way: they take longer than such a training.
PLAIN = {
    "training.sheet_every": 99,
    "training.schedule": "linear",
    "training.warmup_steps": 2,
    "training.plain_epochs": 1,
}
SHORT = PLAIN | {
    "model.image_latent_size": 0,
    "model.influence": "none",
    "training.epochs": 1,
    "training.steps_per_epoch": 1,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return toys.prepare(tmp_path_factory.mktemp("data") / "set", 20, 6)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A run that nothing interrupts, while other tests begin theirs."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "whole")
    process = processes.start_training(data, run.path, PLAIN)
    yield lambda: processes.finish(process) == [0] and run
    processes.finish(process)


def weights(path):
    model = keras.saving.load_model(path)
    optimizer = getattr(model, "optimizer", None)
    state = optimizer.variables if optimizer else []
    return [v.numpy() for v in (*model.weights, *state)]


def error(run):
    return processes.error_file(run.path).read_text()


# --- Resuming ---------------------------------------------------------------

_STEP = "sketcher_tf.training.callbacks.StopOnNaN.on_train_batch_end"
_RENAME = "sketcher_tf.files.os.replace"
# config.json and schema.json are written at each start.
_STARTED = 2


def test_a_run_killed_at_any_moment_repeats_itself(data, whole, tmp_path):
    run = RunFolder(tmp_path / "killed")

    def train(*kill_at):
        return processes.train(data, run.path, PLAIN, kill_at=kill_at or None)

    # In the first epoch of the images.
    assert train(_STEP, 3) == KILLED
    assert not run.images.exists()
    # While the second epoch of the images is saved.
    assert train(_RENAME, _STARTED + 2) == KILLED
    assert run.images.exists()
    # While the first epoch of the strokes is saved: after the history, before
    # the best.
    assert train(_RENAME, _STARTED + 3) == KILLED
    assert len(read_history(run.history)) == 1
    assert not run.best.exists()
    # The same, but between the best and the last.
    assert train(_RENAME, _STARTED + 3) == KILLED
    assert run.best.exists()
    assert not run.last.exists()
    # In the midst of the second epoch.
    assert train(_STEP, STEPS + 2) == KILLED
    assert run.last.exists()
    # When the second epoch's checkpoint is half there.
    assert train(_RENAME, _STARTED + 3) == KILLED
    # After all epochs, before the result is there.
    assert train("sketcher_tf.training.trainer.draw_sheet", 1) == KILLED
    assert len(read_history(run.history)) == 3
    assert not run.model.exists()
    assert train() == 0

    expected = whole()
    assert run.history.read_text() == expected.history.read_text()
    for one, other in (
        (run.last, expected.last),
        (run.best, expected.best),
        (run.model, expected.model),
    ):
        for mine, theirs in zip(weights(one), weights(other), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert run.sheet.read_bytes() == expected.sheet.read_bytes()
    left = {path.name for path in run.path.iterdir()}
    assert left == {path.name for path in expected.path.iterdir()}


def test_a_run_leaves_what_it_says(whole):
    run = whole()
    rows = read_history(run.history)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    model = keras.saving.load_model(run.model)
    assert model.config == toys.CONFIG.replace(PLAIN.items())
    assert np.abs(model.prior.mean).min() > 0
    assert not model.image_autoencoder.trainable_variables
    assert not hasattr(model, "optimizer")  # the result is not trained on
    assert keras.saving.load_model(run.last).optimizer.iterations == 3 * STEPS


def test_a_run_that_has_ended_is_left_as_it_is(data, whole):
    run = whole()
    before = {p: p.stat().st_mtime_ns for p in (run.model, run.last, run.sheet)}
    assert processes.train(data, run.path, PLAIN) == 0
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_another_seed_is_another_run(data, whole, tmp_path):
    run = RunFolder(tmp_path / "run")
    changes = PLAIN | {"training.seed": 1, "training.epochs": 1}
    assert processes.train(data, run.path, changes) == 0
    [row] = read_history(run.history)
    same_epoch = read_history(whole().history)[0]
    for name, value in row.items():
        # A part of the loss that is off, as the critic's, is 0 in any run.
        same = name == "epoch" or value == 0
        assert (value == same_epoch[name]) == same


def test_the_last_epochs_see_the_drawings_as_they_are(data, tmp_path):
    variants = [
        {"training.plain_epochs": 0},
        {"training.plain_epochs": 1},
        {"training.plain_epochs": 3},
        {"data.random_scale": 0.0, "data.drop_point": 0.0},
    ]
    runs = [RunFolder(tmp_path / str(i)) for i in range(len(variants))]
    started = [
        processes.start_training(
            data, run.path, SHORT | {"training.epochs": 2} | changes
        )
        for run, changes in zip(runs, variants, strict=True)
    ]
    assert processes.finish(*started) == [0] * len(started)
    augmented, last, whole, never = (read_history(run.history) for run in runs)
    assert whole == never
    assert last[0] == augmented[0] != never[0]
    assert last[1] != augmented[1]


# --- Beginning with a trained model -----------------------------------------

FEW = PLAIN | {
    "training.image_epochs": 0,
    "training.epochs": 2,
    "training.learning_rate": 1e-3,
}


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    """Drawings in which the rings of the toys are called wheels."""
    drawn = [
        dataclasses.replace(
            drawing,
            labels={
                "category": drawing.labels["category"].replace("ring", "wheel")
            },
        )
        for drawing in toys.drawings(20, 6)
    ]
    folder = tmp_path_factory.mktemp("marks") / "set"
    toys.write(drawn, folder)
    return folder


@pytest.fixture(scope="module")
def finetuned(marks, whole, tmp_path_factory):
    run = RunFolder(tmp_path_factory.mktemp("runs") / "finetuned")
    options = {"origin": whole().model, "keep_words": True}
    assert processes.train(marks, run.path, FEW, **options) == 0
    return run


def test_finetuning_begins_with_the_model_and_keeps_its_words(whole, finetuned):
    before, after = (
        read_history(whole().history),
        read_history(finetuned.history),
    )
    assert after[0]["val_loss"] < before[0]["val_loss"]
    old, new = (
        keras.saving.load_model(run.model) for run in (whole(), finetuned)
    )
    assert new.schema.words == ("wheel", "zigzag", "ring")
    # Its pictures are not learned anew, and the prior of the word that no
    # drawing has is that of before.
    for one, other in (
        (old.image_autoencoder, new.image_autoencoder),
        (old.prior, new.prior),
    ):
        for mine, theirs in zip(one.weights, other.weights, strict=True):
            if one is old.prior:
                mine, theirs = mine[0], theirs[2]
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_finetuning_is_resumed_and_repeats_itself(
    marks, whole, finetuned, tmp_path
):
    run = RunFolder(tmp_path / "killed")

    def train(kill_at=None, **options):
        options = {"origin": whole().model, "keep_words": True} | options
        return processes.train(marks, run.path, FEW, kill_at=kill_at, **options)

    assert train((_STEP, 2)) == KILLED
    assert train((_STEP, STEPS + 1)) == KILLED
    assert run.last.exists()
    for others in (
        {"keep_words": False},
        {"origin": None},
        {"origin": whole().last},
    ):
        assert train(**others) == FAILED
        assert "a run is resumed with the settings and data" in error(run)
    assert train() == 0
    assert run.history.read_text() == finetuned.history.read_text()
    for mine, theirs in zip(
        weights(run.model), weights(finetuned.model), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


# --- What stops a run -------------------------------------------------------


def test_other_settings_or_data_are_refused(data, whole, tmp_path):
    run = whole()
    changes = PLAIN | {"training.learning_rate": 0.5}
    assert processes.train(data, run.path, changes) == FAILED
    assert re.search(
        r"ValueError: a run is resumed with the settings and data it began "
        r"with; received others than those in .*config.json\. Name another "
        r"folder with --run, or begin anew with --restart\.",
        error(run),
    )
    other = toys.prepare(tmp_path / "other", 21, 6)
    assert processes.train(other, run.path, PLAIN) == FAILED
    assert "received others than those in" in error(run)
    assert "schema.json" in error(run)


def test_two_trainings_in_one_folder_are_refused(data, tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.claimed():
        assert processes.train(data, run.path, SHORT) == FAILED
    assert "another one is at work in" in error(run)


def test_restart_forgets_a_run(data, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.config.write_text("other settings")
    run.model.write_text("an old result")
    run.last.write_text("an old checkpoint")
    assert processes.train(data, run.path, SHORT, restart=True) == 0
    assert len(read_history(run.history)) == 1
    assert weights(run.model)


def test_nan_stops_with_the_batch_saved(data, tmp_path):
    run = RunFolder(tmp_path / "run")
    changes = PLAIN | {
        "model.image_latent_size": 0,
        "model.influence": "none",
    }
    assert (
        processes.train(
            data,
            run.path,
            changes,
            patches={
                "sketcher_tf.training.trainer."
                "training_batches": processes.bad_batches
            },
        )
        == FAILED
    )
    assert re.search(
        r"FloatingPointError: losses must be finite; received NaN or infinity "
        r"for gradient_norm, .* in epoch 2, step 3\. The batch is in "
        r".*nan_batch\.npz; try a lower --set training\.learning_rate\.",
        error(run),
    )
    manifest = read_manifest(data)
    settings = toys.CONFIG.data
    batches = training_batches(data, manifest, settings, 0, range(1, 2))
    expected = list(batches)[2]._asdict()
    with np.load(run.nan_batch) as saved:
        assert saved.keys() == expected.keys()
        assert np.isnan(saved["points"]).any()
        np.testing.assert_array_equal(saved["image"], expected["image"])
    # The checkpoint is the one of the epoch before.
    assert len(read_history(run.history)) == 1
    last = keras.saving.load_model(run.last)
    assert last.optimizer.iterations == STEPS
    assert all(np.isfinite(w).all() for w in weights(run.last))


def test_few_drawings_are_validated_on_themselves(tmp_path):
    data = toys.prepare(tmp_path / "set", 5)
    changes = SHORT | {"training.steps_per_epoch": 2}
    assert processes.train(data, tmp_path / "run", changes) == 0
    [row] = read_history(RunFolder(tmp_path / "run").history)
    assert np.isfinite(row["val_loss"])


@pytest.mark.parametrize(
    ("decay", "rates"),
    [
        (0.9, {2: 0.81 * (1e-3 - 1e-5) + 1e-5, 10_000: 1e-5}),
        (None, {2: 0.8 * (1e-3 - 1e-5) + 1e-5, 10: 1e-5, 10_000: 1e-5}),
    ],
)
def test_learning_rate_runs_down_to_its_minimum(decay, rates):
    rate = LearningRate(1e-3, 1e-5, decay, steps=10, warmup=0)
    for step, expected in ({0: 1e-3} | rates).items():
        np.testing.assert_allclose(rate(step), expected, rtol=1e-5)
    again = LearningRate.from_config(rate.get_config())
    assert again.get_config() == rate.get_config()


def test_learning_rate_rises_first():
    plain = LearningRate(1e-3, 1e-5, None, steps=100, warmup=0)
    rising = LearningRate(1e-3, 1e-5, None, steps=100, warmup=4)
    for step, share in enumerate((0.2, 0.4, 0.6, 0.8, 1, 1)):
        np.testing.assert_allclose(rising(step), share * plain(step), rtol=1e-6)


# --- Preparing data ---------------------------------------------------------


def test_trainings_that_begin_together_prepare_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "cat.ndjson"
    source.write_text(
        "\n".join(
            f'{{"word": "cat", "drawing": [[[0, {n}, 9], [0, 5, 9]]]}}'
            for n in range(1, 60)
        )
    )
    log = tmp_path / "log"
    together = [
        processes.start(processes.prepare_slowly, str(source), log)
        for _ in range(3)
    ]
    assert processes.finish(*together) == [0, 0, 0]
    begun, *folders = sorted(log.read_text().splitlines(), key=len)
    assert begun == "begun"
    assert len(folders) == 3
    assert len(set(folders)) == 1
    assert read_manifest(tmp_path / folders[0]).splits["train"].count > 40


# --- Command line -----------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "preset"),
    [
        ([], "quick"),
        (["--data=faces"], "quick"),
        (["--data=cats.ndjson"], "paper"),
        (["--data=doodles", "--preset=sketch_rnn"], "sketch_rnn"),
        (["--data=cats.ndjson", "--preset=medium"], "medium"),
    ],
)
def test_the_data_choose_the_preset(args, preset):
    train.COMMAND.parse(args)
    assert train.make_config() == PRESETS[preset]


@pytest.mark.parametrize(
    ("args", "warned"),
    [
        (["--data=doodles", "--preset=quick"], False),
        (["--data=cats.ndjson", "--preset=medium"], False),
        (["--data=cats.ndjson", "--preset=quick"], True),
    ],
)
def test_quick_says_that_it_is_not_for_peoples_drawings(caplog, args, warned):
    train.COMMAND.parse(args)
    train.make_config()
    assert ("Use --init=quickdraw" in caplog.text) == warned


def test_a_model_to_begin_with_gives_its_sizes(whole):
    init = f"--init={whole().path}"
    train.COMMAND.parse(["--data=cats.ndjson", init, "--epochs=3"])
    origin = train.find_origin()
    config = train.make_config(origin)
    assert config.model == toys.CONFIG.model
    assert config.loss.kl_weight_start == toys.CONFIG.loss.kl_weight
    assert config.data == PRESETS["finetune"].data
    assert config.training == dataclasses.replace(
        PRESETS["finetune"].training, epochs=3, origin=origin.fingerprint
    )


@pytest.mark.parametrize("flag", ["--keep_words", "--preset=finetune"])
def test_what_needs_a_model_to_begin_with_says_so(flag):
    train.COMMAND.parse(["--data=cats.ndjson", flag])
    with pytest.raises(ValueError, match=f"{flag} .* --init=quickdraw"):
        train.find_origin()


def test_flags_change_settings():
    settings = "--set=model.rnn=hyper", "--set=data.batch_size=7"
    train.COMMAND.parse([*settings, "--epochs=3", "--seed=8"])
    config = train.make_config()
    assert config.model.rnn == "hyper"
    assert config.data.batch_size == 7
    assert config.training.epochs == 3
    assert config.training.seed == 8


def test_the_run_folder_follows_from_the_flags():
    folders = []
    for args in (
        [],
        ["--data=faces"],
        ["--data=faces", "--init=quickdraw"],
        ["--data=quickdraw:cat,ice cream", "--preset=paper", "--init="],
        ["--run=mine/cats"],
    ):
        train.COMMAND.parse(args)
        folders.append(str(train.run_folder().path))
    assert folders == [
        "runs/doodles",
        "runs/faces",
        "runs/faces-quickdraw",
        "runs/quickdraw-cat-ice-cream-paper",
        "mine/cats",
    ]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--set=model.size=3"], "error: a setting must be section.field"),
        (["--data=nothing/*.ndjson"], "error: "),
    ],
)
def test_errors_are_told_without_a_traceback(tmp_path, monkeypatch, args, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=told):
        train.COMMAND.run(train.main, args)
    assert not os.listdir(tmp_path)


def test_the_command_line_trains_and_draws(data, tmp_path):
    def call(module, *args):
        return subprocess.run(
            [sys.executable, "-m", f"sketcher_tf.{module}", *args],
            cwd=processes.ROOT,
            capture_output=True,
            text=True,
        )

    changes = SHORT | {"data.reread": 0.5, "data.balance": 0.5}
    settings = [f"--set={name}={value}" for name, value in changes.items()]
    trained = call(
        "train", f"--data={data}", f"--run={tmp_path}/run", *settings
    )
    assert trained.returncode == 0, trained.stderr
    run = RunFolder(tmp_path / "run")
    assert f"Done: {run.model}, {run.sheet}" in trained.stderr
    for noise in ("Traceback", "Gradients do not exist", "ran out of data"):
        assert noise not in trained.stderr
    drawn = call(
        "generate", f"--model={run.path}", f"--output={tmp_path}/a.ndjson"
    )
    assert drawn.returncode == 0, drawn.stderr
    assert len((tmp_path / "a.ndjson").read_text().splitlines()) == 20
