from typing import NamedTuple

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.model.replicas import ReplicatedModel, batch_mean
from sketcher_tf.training.callbacks import Recorder, StopOnNaN
from sketcher_tf.training.loop import Batches, Validation, fit
from sketcher_tf.training.run_folder import RunFolder, read_history

X = np.array([1, 2, 3, 4, 5], np.float32)
Y = 3 * X + 1
EPOCH = 3  # batches of 2, 2 and 1
CLIP = 0.5  # some gradients are above it, some below


class Pair(NamedTuple):
    x: tf.Tensor
    y: tf.Tensor


class Line(ReplicatedModel):
    """Learns the slope of y = w x; a loss of 0 has no gradient."""

    def __init__(self):
        super().__init__(["loss"], CLIP)
        self.w = self.add_weight(name="w", shape=(), initializer="zeros")
        self.built = True
        self.compile(keras.optimizers.Adam(0.1), jit_compile=False)

    def loss_of(self, batch):
        return batch_mean(tf.sqrt(tf.abs(self.w * batch.x - batch.y)))

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = self.loss_of(batch)
        logs = self.track({"loss": loss}, tf.shape(batch.x)[0])
        return logs | self.descend(tape, loss)

    def test_step(self, batch):
        return self.track({"loss": self.loss_of(batch)}, tf.shape(batch.x)[0])


class Listener(keras.callbacks.Callback):
    """Writes down what it is told, and what the weight was."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.told = []
        self.stop_after = stop_after

    def on_train_begin(self, logs=None):
        self.told.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.told.append(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.told.append(("step", batch, logs, float(self.model.w.numpy())))

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(("end", epoch, logs, float(self.model.w.numpy())))
        if epoch == self.stop_after:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.told.append("over")

    def of(self, kind):
        return [words[1:] for words in self.told if words[0] == kind]


def batches(epochs=range(1), y=Y):
    """The batches of some epochs; NaN in `y` marks a bad drawing."""
    dataset = tf.data.Dataset.from_tensor_slices(Pair(X, y)).batch(2)
    return dataset.repeat(len(epochs))


def train(epochs=1, *callbacks, y=Y, validation=None):
    model = Line()
    fit(
        model,
        Batches(lambda share: batches(range(epochs), y), EPOCH),
        range(epochs),
        callbacks,
        validation,
    )
    return model


def test_keras_own_loop_comes_to_the_same():
    ours, keras_own = train(2), Line()
    history = keras_own.fit(
        batches(range(2)), epochs=2, steps_per_epoch=EPOCH, verbose=0
    )
    assert ours.w.numpy() == keras_own.w.numpy()
    assert history.history.keys() == {"loss", "gradient_norm"}


def test_callbacks_are_told_of_the_epochs_that_are_left():
    model, listener = Line(), Listener()
    two = Batches(lambda share: batches(range(2)), EPOCH)
    fit(model, two, range(3, 5), [listener])
    assert [w if w in ("begin", "over") else w[:2] for w in listener.told] == [
        "begin",
        ("epoch", 3),
        *(("step", n) for n in range(3)),
        ("end", 3),
        ("epoch", 4),
        *(("step", n) for n in range(3)),
        ("end", 4),
        "over",
    ]
    assert listener.params == {"epochs": 5, "steps": EPOCH}
    assert int(model.optimizer.iterations) == 2 * EPOCH


def test_logs_are_means_over_the_drawings_of_an_epoch():
    listener = Listener()
    train(2, listener)
    w = 0.0
    for (_, logs, _), steps in zip(
        listener.of("end"),
        (listener.of("step")[:EPOCH], listener.of("step")[EPOCH:]),
        strict=True,
    ):
        losses = []
        for k, (_, running, after) in enumerate(steps):
            rows = slice(2 * k, 2 * k + 2)
            losses.extend(np.sqrt(np.abs(w * X[rows] - Y[rows])))
            np.testing.assert_allclose(
                running["loss"], np.mean(losses), rtol=1e-6
            )
            w = after
        assert logs == running
        assert logs.keys() == {"loss", "gradient_norm"}


def test_validation_has_the_weights_of_the_epochs_end():
    listener = Listener()
    validation = Validation(batches(), EPOCH)
    train(2, listener, validation=validation)
    for _, logs, w in listener.of("end"):
        expected = np.sqrt(np.abs(w * X - Y)).mean()
        np.testing.assert_allclose(logs["val_loss"], expected, rtol=1e-6)
        assert logs.keys() == {"loss", "gradient_norm", "val_loss"}
    # Validating changes nothing.
    without = Listener()
    train(2, without)
    assert [w for *_, w in without.of("end")] == [
        w for *_, w in listener.of("end")
    ]


def test_a_callback_can_stop_it():
    listener = Listener(stop_after=1)
    train(5, listener)
    assert [epoch for epoch, *_ in listener.of("end")] == [0, 1]
    assert listener.told[-1] == "over"


def test_gradients_are_clipped_as_keras_does():
    model = Line()
    other = Line()
    other.compile(keras.optimizers.Adam(0.1, clipvalue=CLIP))
    clipped, norms = 0, []
    for batch in batches(range(4)):
        model.train_step(batch)
        with tf.GradientTape() as tape:
            loss = other.loss_of(batch)
        gradient = tape.gradient(loss, [other.w])
        norms.append(abs(float(gradient[0])))
        clipped += norms[-1] > CLIP
        other.optimizer.apply_gradients(zip(gradient, [other.w], strict=True))
        np.testing.assert_array_equal(model.w.numpy(), other.w.numpy())
    assert 0 < clipped < 12
    np.testing.assert_allclose(
        model.gradient_norm.result(), np.mean(norms), rtol=1e-5
    )


def test_running_means_are_not_saved(tmp_path):
    model = train(1)
    model.save_weights(tmp_path / "a.weights.h5")
    names = []
    with h5py.File(tmp_path / "a.weights.h5") as file:
        file.visititems(
            lambda name, node: (
                names.append(name) if isinstance(node, h5py.Dataset) else None
            )
        )
    assert names
    assert all(name.startswith(("optimizer/vars/", "vars/")) for name in names)
    again = Line()
    again.optimizer.build(again.trainable_variables)
    again.load_weights(tmp_path / "a.weights.h5")
    assert again.w.numpy() == model.w.numpy() != 0
    assert int(again.optimizer.iterations) == EPOCH


# --- NaN --------------------------------------------------------------------


def bad_epochs(tmp_path, y, validation=None):
    """Trains on a `y`; returns what was told, and the error's text."""
    run, listener = RunFolder(tmp_path), Listener()
    guard = StopOnNaN(lambda epochs: batches(epochs, y), run.nan_batch)
    recorder = Recorder(run, 0)
    with pytest.raises(FloatingPointError) as error:
        train(3, guard, recorder, listener, y=y, validation=validation)
    assert listener.told[-1] == "over"
    assert read_history(run.history) == []
    assert not run.last.exists()
    return listener, str(error.value), np.load(run.nan_batch)


def test_a_loss_that_is_nan_stops_at_once(tmp_path):
    y = Y.copy()
    y[3] = np.nan
    listener, text, batch = bad_epochs(tmp_path, y)
    assert [step for step, *_ in listener.of("step")] == [0]
    assert "NaN or infinity for gradient_norm, loss in epoch 1, step 2" in text
    assert str(tmp_path / "nan_batch.npz") in text
    np.testing.assert_array_equal(batch["x"], X[2:4])
    np.testing.assert_array_equal(batch["y"], y[2:4])


def test_a_gradient_that_is_nan_stops_at_once(tmp_path):
    y = Y.copy()
    y[0] = 0  # as is the weight at first, so that the loss is 0
    _, text, batch = bad_epochs(tmp_path, y)
    assert "NaN or infinity for gradient_norm in epoch 1, step 1" in text
    np.testing.assert_array_equal(batch["y"], y[:2])


def test_an_infinite_gradient_is_not_clipped_away():
    model = Line()
    with tf.GradientTape() as tape:
        loss = tf.sqrt(model.w.value)  # at 0
    assert np.isinf(model.descend(tape, loss)["gradient_norm"])


def test_a_validation_that_is_nan_leaves_nothing_behind(tmp_path):
    y = Y.copy()
    y[3] = np.inf
    _, text, batch = bad_epochs(tmp_path, Y, Validation(batches(y=y), EPOCH))
    assert "NaN or infinity for val_loss in epoch 1, step 3" in text
    # The last step's batch is the one that may have broken the weights.
    np.testing.assert_array_equal(batch["x"], X[4:])


# --- Early stopping ---------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "patience", "exhausted"),
    [
        ([], 1, False),
        ([1.0], 1, False),
        ([1.0, 1.0], 1, True),
        ([1.0, 2.0, 3.0], 3, False),
        ([1.0, 2.0, 3.0, 1.0], 3, True),
        ([3.0, 2.0, 2.5, 1.9, 2.0], 2, False),
        ([1.0] + [2.0] * 5, 0, False),
    ],
)
def test_patience_ends_after_epochs_without_a_better_one(
    tmp_path, losses, patience, exhausted
):
    recorder = Recorder(RunFolder(tmp_path), patience)
    recorder.set_model(Line())
    for epoch, loss in enumerate(losses):
        recorder.on_epoch_end(epoch, {"val_loss": loss})
    assert recorder.exhausted == exhausted
    assert recorder.model.stop_training == exhausted
    # A training that is resumed knows it too.
    resumed = Recorder(RunFolder(tmp_path), patience)
    resumed.resume(len(losses))
    assert resumed.exhausted == exhausted


def test_the_best_epoch_is_kept(tmp_path):
    run = RunFolder(tmp_path)
    recorder = Recorder(run, 0)
    model = Line()
    recorder.set_model(model)
    for epoch, loss in enumerate([3.0, 1.0, 2.0]):
        model.w.assign(epoch)
        recorder.on_epoch_end(epoch, {"val_loss": loss})
    for path, w in ((run.best, 1), (run.last, 2)):
        saved = Line()
        saved.load_weights(path)
        assert saved.w.numpy() == w


def test_what_was_written_after_the_last_checkpoint_is_dropped(tmp_path):
    run = RunFolder(tmp_path)
    recorder = Recorder(run, 0)
    recorder.set_model(Line())
    for epoch in range(3):
        recorder.on_epoch_end(epoch, {"val_loss": 1.0})
    resumed = Recorder(run, 0)
    resumed.resume(2)
    assert [row["epoch"] for row in resumed.rows] == [0, 1]
