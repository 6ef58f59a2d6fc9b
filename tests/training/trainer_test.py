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
from sketcher_tf.data.sharing import ALONE
from sketcher_tf.training import trainer
from sketcher_tf.training.run_folder import RunFolder, read_history
from sketcher_tf.training.schedules import LearningRate
from sketcher_tf.training.workers import make_strategy
from tests.testing import processes, toys
from tests.testing.processes import (
    BEGIN,
    FAILED,
    KILLED,
    PLAIN,
    RENAME,
    SHORT,
    STEP,
    STEPS,
)


@pytest.fixture(scope="module")
def short(data, tmp_path_factory):
    """A run of one step, begun anew where an old one was."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "short")
    run.path.mkdir()
    run.config.write_text("other settings")
    run.model.write_text("an old result")
    run.last.write_text("an old checkpoint")
    process = processes.start_training(data, run.path, SHORT, restart=True)
    yield lambda: processes.finish(process) == [0] and run
    processes.finish(process)


# --- Resuming ---------------------------------------------------------------

# config.json and schema.json are written at each start.
_STARTED = 2


def test_a_run_killed_at_any_moment_repeats_itself(data, whole, tmp_path):
    run = RunFolder(tmp_path / "killed")

    def train(*kill_at):
        return processes.train(data, run.path, PLAIN, kill_at=kill_at or None)

    # Before the first step of the images.
    assert train(BEGIN, 1) == KILLED
    assert not run.images.exists()
    # While the second epoch of the images is saved.
    assert train(RENAME, _STARTED + 2) == KILLED
    assert run.images.exists()
    # While the first epoch of the strokes is saved, behind the second one of
    # the images: between the best and the last.
    assert train(RENAME, _STARTED + 4) == KILLED
    assert len(read_history(run.history)) == 1
    assert run.best.exists()
    assert not run.last.exists()
    # While the second epoch is saved, behind the three files of the first one:
    # the last is the one before.
    assert train(RENAME, _STARTED + 6) == KILLED
    assert len(read_history(run.history)) == 2
    assert run.last.exists()
    # In the last epoch of the critic, after two of the strokes and one of it.
    assert train(STEP, (2 + 1) * STEPS + 2) == KILLED
    assert len(read_history(run.history)) == 3
    assert run.critic.exists()
    # After all epochs, before the result is there.
    assert train("sketcher_tf.training.trainer.draw_sheet", 1) == KILLED
    assert not run.model.exists()
    assert train() == 0

    assert run.history.read_text() == whole.history.read_text()
    for one, other in (
        (run.last, whole.last),
        (run.best, whole.best),
        (run.model, whole.model),
    ):
        for mine, theirs in zip(
            processes.weights(one), processes.weights(other), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)
    assert run.sheet.read_bytes() == whole.sheet.read_bytes()
    left = {path.name for path in run.path.iterdir()}
    assert left == {path.name for path in whole.path.iterdir()}


def test_a_run_leaves_what_it_says(whole):
    rows = read_history(whole.history)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    model = keras.saving.load_model(whole.model)
    assert model.config == toys.CONFIG.replace(PLAIN.items())
    assert np.abs(model.prior.mean).min() > 0
    assert not model.image_autoencoder.trainable_variables
    assert not hasattr(model, "optimizer")  # the result is not trained on
    last = keras.saving.load_model(whole.last)
    assert last.optimizer.iterations == 3 * STEPS
    # What a run that goes on has is drawn without its critic.
    assert [m.critic.is_ready for m in (last, model)] == [False, True]


def test_the_phase_of_the_critic_changes_nothing_else(whole):
    best, result = (
        keras.saving.load_model(file, compile=False)
        for file in (whole.best, whole.model)
    )
    for one, other in zip(best.weights, result.weights, strict=True):
        if not one.path.startswith(("prior/", "critic/")):
            same = np.array_equal(one, other)
            assert same != one.path.startswith("critic"), one.path


def test_a_run_that_has_ended_is_left_as_it_is(data, whole):
    left = whole.model, whole.last, whole.sheet
    before = {path: path.stat().st_mtime_ns for path in left}
    assert processes.train(data, whole.path, PLAIN) == 0
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_another_seed_is_another_run(data, short, tmp_path):
    run = RunFolder(tmp_path / "run")
    changes = SHORT | {"training.seed": 1}
    assert processes.train(data, run.path, changes) == 0
    [row] = read_history(run.history)
    [same_epoch] = read_history(short().history)
    for name, value in row.items():
        # A part of the loss that is off, as the critic's, is 0 in any run.
        same = name == "epoch" or value == 0
        assert (value == same_epoch[name]) == same


def epochs_of(data, folder, changes):
    """The points that each of two epochs trains on."""
    config = toys.CONFIG.replace(
        (SHORT | {"training.epochs": 2} | changes).items()
    )
    strategy = make_strategy("one_device")
    training = trainer._Training(
        config, data, RunFolder(folder), strategy, None
    )
    batches = [b.points for b in training._training_batches(range(2), ALONE)]
    return [points.numpy().tobytes() for points in batches]


def test_the_last_epochs_see_the_drawings_as_they_are(data, tmp_path):
    augmented, last, whole, never = (
        epochs_of(data, tmp_path, changes)
        for changes in (
            {"training.plain_epochs": 0},
            {"training.plain_epochs": 1},
            {"training.plain_epochs": 3},
            {"data.random_scale": 0.0, "data.drop_point": 0.0},
        )
    )
    assert whole == never
    assert last == [augmented[0], never[1]]
    assert augmented[0] != never[0]
    assert augmented[1] != never[1]


# --- What stops a run -------------------------------------------------------


def test_other_settings_or_data_are_refused(data, whole, tmp_path):
    changes = PLAIN | {"training.learning_rate": 0.5}
    assert processes.train(data, whole.path, changes) == FAILED
    assert re.search(
        r"ValueError: a run is resumed with the settings and data it began "
        r"with; received others than those in .*config.json\. Name another "
        r"folder with --run, or begin anew with --restart\.",
        processes.error_of(whole.path),
    )
    other = toys.prepare(tmp_path / "other", 21, 6)
    assert processes.train(other, whole.path, PLAIN) == FAILED
    assert "received others than those in" in processes.error_of(whole.path)
    assert "schema.json" in processes.error_of(whole.path)


def test_two_trainings_in_one_folder_are_refused(data, tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.claimed():
        assert processes.train(data, run.path, SHORT) == FAILED
    assert "another one is at work in" in processes.error_of(run.path)


def test_restart_forgets_a_run(short):
    run = short()
    assert len(read_history(run.history)) == 1
    assert processes.weights(run.model)


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
        processes.error_of(run.path),
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
    assert all(np.isfinite(w).all() for w in processes.weights(run.last))


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


def test_the_command_line_trains_and_draws(tmp_path):
    """Even of a set so small that it is validated on what it is trained on."""

    def call(module, *args):
        return subprocess.run(
            [sys.executable, "-m", f"sketcher_tf.{module}", *args],
            cwd=processes.ROOT,
            capture_output=True,
            text=True,
        )

    data = toys.prepare(tmp_path / "set", 5)
    sizes = dataclasses.asdict(toys.MODEL)
    changes = {f"model.{name}": size for name, size in sizes.items()} | SHORT
    changes |= {"data.reread": 0.5, "data.balance": 0.5}
    settings = [f"--set={name}={value}" for name, value in changes.items()]
    trained = call(
        "train", f"--data={data}", f"--run={tmp_path}/run", *settings
    )
    assert trained.returncode == 0, trained.stderr
    run = RunFolder(tmp_path / "run")
    assert f"Done: {run.model}, {run.sheet}" in trained.stderr
    for noise in ("Traceback", "Gradients do not exist", "ran out of data"):
        assert noise not in trained.stderr
    [row] = read_history(run.history)
    assert np.isfinite(row["val_loss"])
    drawn = call(
        "generate", f"--model={run.path}", f"--output={tmp_path}/a.ndjson"
    )
    assert drawn.returncode == 0, drawn.stderr
    assert len((tmp_path / "a.ndjson").read_text().splitlines()) == 20
