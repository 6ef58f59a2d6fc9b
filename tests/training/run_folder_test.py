import os
import sys
import types
from typing import Any

import pytest

from sketcher_tf.training import run_folder
from sketcher_tf.training.run_folder import (
    RunFolder,
    best_epoch,
    model_file,
    pretrained,
    read_history,
    write_history,
)


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "runs" / "cats")


def touch(path, time=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("model")
    os.utime(path, (time, time))
    return path


# --- The model of a run -----------------------------------------------------


def test_the_result_comes_before_the_best_and_the_last(run):
    for path in (run.last, run.best, run.model):
        touch(path)
        assert model_file(run.path) == path


def test_a_file_is_taken_as_it_is(tmp_path):
    path = touch(tmp_path / "anything.keras")
    assert model_file(path) == path


def test_the_newest_run_is_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new, old = (RunFolder(tmp_path / "runs" / name) for name in "ab")
    touch(new.model, 2000)
    touch(old.model, 1000)
    (tmp_path / "runs" / "empty").mkdir()
    assert model_file() == new.model.relative_to(tmp_path)


def test_without_a_run_the_pretrained_model_is_the_default(
    run, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    assert model_file() == pretrained()["quickdraw"]
    # But it is not what a folder without a model is taken for.
    with pytest.raises(FileNotFoundError):
        model_file(run.path)
    touch(run.model)
    assert model_file() == run.model.relative_to(tmp_path)


def test_a_pretrained_model_has_a_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, file in pretrained().items():
        assert model_file(name) == file
    # Runs of one's own come first.
    own = touch(RunFolder(tmp_path / "quickdraw").model)
    assert model_file("quickdraw").samefile(own)


def test_a_folder_that_keras_loads_is_taken_as_it_is(tmp_path):
    touch(tmp_path / "model.weights.h5")
    assert model_file(tmp_path) == tmp_path


def test_the_hub_is_asked_for_a_name_of_it(tmp_path, monkeypatch):
    def unreachable(name):
        raise OSError("No connection.\n\nAnd more about it.")

    hub: Any = types.ModuleType("huggingface_hub")
    hub.snapshot_download = lambda name: str(tmp_path / name)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert model_file("hf://ada/crabs") == tmp_path / "ada" / "crabs"
    hub.snapshot_download = unreachable
    with pytest.raises(FileNotFoundError) as caught:
        model_file("hf://ada/crabs")
    assert str(caught.value) == (
        "a model of the Hugging Face hub must be there and open to you; "
        "received hf://ada/crabs: No connection. Check the name and the "
        "connection; for one that is not public, log in by `hf auth login`."
    )
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModuleNotFoundError, match=r"sketcher-tf\[hub\]"):
        model_file("hf://ada/crabs")


def test_no_model_is_an_error(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_folder, "pretrained", dict)
    run.path.mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"received '.*cats'\. Train"):
        model_file(run.path)
    with pytest.raises(FileNotFoundError, match="no run is in runs/"):
        model_file()


# --- History ----------------------------------------------------------------


def test_history_comes_back_to_the_last_bit(run):
    rows = [{"epoch": 0, "loss": 0.1 + 0.2}, {"epoch": 1, "loss": 1e-310}]
    write_history(run.history, rows)
    assert read_history(run.history) == rows


def test_no_file_is_no_history(run):
    assert read_history(run.history) == []


def test_the_best_epoch_is_the_first_of_the_lowest():
    rows = [{"val_loss": loss} for loss in (3, 1, 2, 1)]
    assert best_epoch(rows) == 1
    assert best_epoch([]) == -1


# --- One training at a time -------------------------------------------------


def test_a_second_training_is_told_to_wait(run):
    with (
        run.claimed(),
        pytest.raises(ValueError, match=r"one training at a time; .*cats\. W"),
        run.claimed(),
    ):
        pass
    with run.claimed():
        pass


def test_an_error_within_is_not_taken_for_another_training(run):
    with pytest.raises(BlockingIOError, match="mine"), run.claimed():
        raise BlockingIOError("mine")


def test_clear_removes_a_training_and_nothing_else(run):
    photo = touch(run.path / "photo.jpg")
    left = [
        run.config,
        run.schema,
        run.images,
        run.last,
        run.best,
        run.model,
        run.history,
        run.sheet,
        run.nan_batch,
        run.sheets / "epoch-0001.png",
        run.logs / "events",
    ]
    for path in left:
        touch(path)
    run.clear()
    assert list(run.path.iterdir()) == [photo]
    run.clear()


def test_the_settings_are_cleared_last(run, monkeypatch):
    touch(run.last)
    touch(run.config)
    removed = []
    monkeypatch.setattr(
        type(run.path), "unlink", lambda path, **_: removed.append(path)
    )
    run.clear()
    assert removed[-1] == run.config
    assert run.last in removed
