"""Training that begins with a trained model."""

import dataclasses

import keras
import numpy as np
import pytest

import sketcher_tf.model.ai_sketcher  # noqa: F401  Keras then knows its classes
from sketcher_tf import train
from sketcher_tf.configs import PRESETS
from sketcher_tf.training import trainer
from sketcher_tf.training.run_folder import RunFolder, read_history
from sketcher_tf.training.transfer import Origin
from sketcher_tf.training.workers import make_strategy
from tests.testing import processes, toys
from tests.testing.processes import BEGIN, FAILED, KILLED, PLAIN, STEP, STEPS

FEW = PLAIN | {
    "training.image_epochs": 0,
    "training.critic_epochs": 0,
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
    options = {"origin": whole.model, "keep_words": True}
    assert processes.train(marks, run.path, FEW, **options) == 0
    return run


def test_finetuning_begins_with_the_model_and_keeps_its_words(whole, finetuned):
    before, after = (
        read_history(whole.history),
        read_history(finetuned.history),
    )
    assert after[0]["val_loss"] < before[0]["val_loss"]
    old, new = (
        keras.saving.load_model(run.model) for run in (whole, finetuned)
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


@pytest.mark.parametrize("keep_words", [False, True])
def test_words_that_are_kept_are_practised(marks, whole, tmp_path, keep_words):
    origin = Origin.load(whole.model, keep_words)
    config = toys.CONFIG.continued(origin.model.config, origin.fingerprint)
    strategy = make_strategy("one_device")
    replay = trainer._Training(
        config, marks, RunFolder(tmp_path), strategy, origin
    )._replay()
    if not keep_words:
        assert replay is None
        return
    assert (replay.condition == [0, 0, 1]).all()  # the ring
    assert (replay.points[:, -1, 4] == 1).all()


def test_finetuning_is_resumed_and_repeats_itself(
    marks, whole, finetuned, tmp_path
):
    run = RunFolder(tmp_path / "killed")

    def train(kill_at=None, **options):
        options = {"origin": whole.model, "keep_words": True} | options
        return processes.train(marks, run.path, FEW, kill_at=kill_at, **options)

    assert train((BEGIN, 1)) == KILLED
    assert not run.last.exists()
    assert train((STEP, STEPS + 1)) == KILLED
    assert run.last.exists()
    for others in (
        {"keep_words": False},
        {"origin": None},
        {"origin": whole.last},
    ):
        assert train(**others) == FAILED
        assert (
            "a run is resumed with the settings and data"
            in processes.error_of(run.path)
        )
    assert train() == 0
    assert run.history.read_text() == finetuned.history.read_text()
    for mine, theirs in zip(
        processes.weights(run.model),
        processes.weights(finetuned.model),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_no_epoch_is_a_new_critic_for_the_model(data, whole, tmp_path):
    run = RunFolder(tmp_path / "critic")
    # At the rate of before it would be the critic of before, to the bit.
    changes = FEW | {
        "training.epochs": 0,
        "training.critic_epochs": 1,
        "training.critic_learning_rate": 1e-2,
    }
    assert processes.train(data, run.path, changes, origin=whole.model) == 0
    old, new = (
        keras.saving.load_model(file, compile=False)
        for file in (whole.model, run.model)
    )
    assert new.config.training.epochs == 0
    for one, other in zip(old.weights, new.weights, strict=True):
        if not one.path.startswith("critic/"):  # of the calibration
            same = np.array_equal(one, other)
            assert same != one.path.startswith("critic"), one.path


def test_a_model_to_begin_with_gives_its_sizes(whole):
    init = f"--init={whole.path}"
    train.COMMAND.parse(["--data=cats.ndjson", init, "--epochs=3"])
    origin = train.find_origin()
    config = train.make_config(origin)
    assert config.model == toys.CONFIG.replace(PLAIN.items()).model
    assert config.loss.kl_weight_start == toys.CONFIG.loss.kl_weight
    assert config.data == PRESETS["finetune"].data
    assert config.training == dataclasses.replace(
        PRESETS["finetune"].training, epochs=3, origin=origin.fingerprint
    )
