import json

import keras
import numpy as np
import pytest
import yaml

from export import share
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import RunFolder, write_history
from tests.testing import toys
from tests.testing.exports import WORD, make_model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder, as a training leaves it."""
    folder = tmp_path_factory.mktemp("runs")
    data = toys.prepare(folder / "data", 16, 2, 6)
    run = RunFolder(folder / "toy")
    run.path.mkdir()
    make_model().save(run.model)
    run.schema.write_text((data / "schema.json").read_text())
    rows = [{"epoch": 0, "val_loss": 2.0}, {"epoch": 1, "val_loss": 3.0}]
    write_history(run.history, rows)
    return run


@pytest.fixture(scope="module")
def shared(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "crabs"
    share.COMMAND.run(
        share.main, [str(folder), f"--model={run.path}", "--license=cc-by-4.0"]
    )
    return folder


def card(folder):
    """Its metadata and its text."""
    nothing, metadata, text = (folder / "README.md").read_text().split("---\n")
    assert nothing == ""
    return yaml.safe_load(metadata), text


def test_the_folder_has_what_the_hub_and_keras_want(shared):
    assert {path.name for path in shared.iterdir()} == {
        "README.md",
        "config.json",
        "metadata.json",
        "model.weights.h5",
        "sketches.png",
    }
    metadata = json.loads((shared / "metadata.json").read_text())
    assert metadata["keras_version"] == keras.__version__


def test_it_draws_what_the_model_draws(run, shared):
    half = Sketcher.load(shared)
    for ours, theirs in zip(
        Sketcher.load(run.path).model.weights, half.model.weights, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)
    assert len(half.generate(WORD, count=3)) == 3


def test_the_card_is_metadata_and_text(shared):
    metadata, text = card(shared)
    assert metadata == {
        "library_name": "keras",
        "license": "cc-by-4.0",
        "tags": ["sketch", "drawing", "sketch-rnn"],
    }
    assert 'sk.Sketcher.load("hf://USER/crabs")' in text
    assert "2 values of `category`: ring, zigzag" in text
    assert "Drawings: " in text
    assert "Epoch 1 of 2, with the lowest validation loss, 2.0000" in text


def test_what_is_not_known_is_left_open(run, tmp_path):
    lone = tmp_path / "lone.keras"
    lone.write_bytes(run.model.read_bytes())
    share.COMMAND.run(share.main, [f"--output={tmp_path}/a", f"--model={lone}"])
    metadata, text = card(tmp_path / "a")
    assert "license" not in metadata
    assert "## How it was trained\n\nTo be completed.\n" in text


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ([], "a folder to write must be named"),
        (["a", "b"], r"received \['b'\]"),
        (["RUN"], "must be new or empty; received .*toy"),
        (["a", "--license=My own"], "a licence must be named as"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    run, tmp_path, monkeypatch, args, told
):
    monkeypatch.chdir(tmp_path)
    before = sorted(run.path.iterdir())
    given = [arg.replace("RUN", str(run.path)) for arg in args]
    with pytest.raises(SystemExit, match=f"error: .*{told}"):
        share.COMMAND.run(share.main, [*given, f"--model={run.path}"])
    assert sorted(run.path.iterdir()) == before
    assert not list(tmp_path.iterdir())
