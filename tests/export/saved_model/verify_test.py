import itertools
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from export.saved_model import verify
from export.saved_model.replay import LOADERS
from export.saved_model.verify import check_answers, check_operations
from export.saved_model.warmup import Call, warmup_file, write_calls

SPEC = [tf.TensorSpec([None], tf.float32, "x")]
X = np.float32([1, 2])


def save(folder, function, module=None):
    call = tf.function(function, input_signature=SPEC)
    tf.saved_model.save(module or tf.Module(), str(folder), {"call": call})
    write_calls(warmup_file(folder), [Call("call", {"x": X}, {})])
    return folder


def double(x):
    return {"y": 2 * x, "positive": x > 0, "text": tf.strings.as_string(x)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("double"), double)


DOUBLED = {
    "y": 2 * X,
    "positive": np.array([True, True]),
    "text": np.array([b"1.000000", b"2.000000"], object),
}


def test_functions_of_tensorflow_pass(folder):
    check_operations(folder)


def test_a_python_function_is_found(tmp_path):
    def python(x):
        y = tf.map_fn(lambda v: tf.py_function(np.sin, [v], tf.float32), x)
        return {"y": y}

    with pytest.raises(ValueError, match="EagerPyFunc"):
        check_operations(save(tmp_path, python))


def test_compilation_is_found(tmp_path):
    compiled = tf.function(lambda x: 2 * x, jit_compile=True)
    with pytest.raises(ValueError, match="jit_compile"):
        check_operations(save(tmp_path, lambda x: {"y": compiled(x)}))


def test_an_operation_of_another_library_is_found(folder, tmp_path):
    written = (folder / "saved_model.pb").read_bytes()
    (tmp_path / "saved_model.pb").write_bytes(
        written.replace(b"AsString", b"AsStrong")
    )
    with pytest.raises(ValueError, match="received AsStrong"):
        check_operations(tmp_path)


def test_right_answers_pass_in_a_process_of_their_own(folder):
    check_answers({folder: [Call("call", {"x": X}, DOUBLED)]})


def test_a_servable_that_does_not_run_is_found(tmp_path):
    def refuse(x):
        tf.debugging.Assert(tf.reduce_all(x > 9), ["too small"])
        return {"y": x}

    with pytest.raises(ValueError, match=r"(?s)process of its own.*too small"):
        check_answers({save(tmp_path, refuse): []})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("y", 2 * X + 0.1),
        ("y", np.float32([np.nan, 4])),
        ("y", 2 * X[:1]),
        ("positive", np.array([True, False])),
        ("text", np.array([b"1.000000", b"2"], object)),
    ],
)
def test_a_wrong_answer_is_found(monkeypatch, name, wrong):
    """Of the last servable, loaded in the last way."""

    def answer(folders, records):
        for record, loader in itertools.product(records, LOADERS):
            is_bad = record == records[-1] and loader == bad
            outputs = {**DOUBLED, name: wrong} if is_bad else DOUBLED
            answers = [Call("call", {"x": X}, outputs)]
            write_calls(record.with_suffix(f".{loader}"), answers)

    monkeypatch.setattr(verify, "_replay", answer)
    expected = [Call("call", {"x": X}, DOUBLED)]
    for bad in LOADERS:
        with pytest.raises(ValueError, match=rf"\s{name}, .*'{bad}'"):
            check_answers({Path("one"): expected, Path("other"): expected})
    bad = "no way"
    check_answers({Path("one"): expected, Path("other"): expected})


def test_a_tracked_keras_layer_is_found_by_the_session(tmp_path):
    """It loads everywhere, and fails when TensorFlow Serving calls it."""
    module = tf.Module()
    module.layer = keras.layers.Dense(1)
    module.layer.build((None, 2))
    save(tmp_path, lambda x: {"y": module.layer(x[None])}, module)
    call = Call("call", {"x": X}, {})
    with LOADERS["eager"](tmp_path) as run:
        assert run(call)["y"].shape == (1, 1)
    missing = pytest.raises(tf.errors.FailedPreconditionError)
    with LOADERS["session"](tmp_path) as run, missing:
        run(call)
