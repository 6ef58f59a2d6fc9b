"""Training as one library call; `sketcher_tf.train` is its command line."""

import contextlib
import dataclasses
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from sketcher_tf.configs import Config, DataConfig
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import (
    evaluation_batches,
    steps_per_epoch,
    training_batches,
)
from sketcher_tf.data.sharing import Share
from sketcher_tf.files import write_atomically, write_bytes
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.calibration import calibrate
from sketcher_tf.model.critic import Critic
from sketcher_tf.model.prior.fit import fit_prior
from sketcher_tf.model.replicas import ReplicatedModel
from sketcher_tf.request import MANY_WORDS
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.adam import FusedAdam
from sketcher_tf.training.callbacks import (
    Curves,
    ProgressBar,
    Recorder,
    StopOnNaN,
    Summaries,
    WeightsSaver,
    draw_sheet,
)
from sketcher_tf.training.critic_phase import CriticTraining
from sketcher_tf.training.image_phase import ImageTraining
from sketcher_tf.training.loop import Batches, Validation, fit
from sketcher_tf.training.replay import Replay, recall
from sketcher_tf.training.run_folder import RunFolder
from sketcher_tf.training.schedules import LearningRate
from sketcher_tf.training.transfer import Origin, without_drawings
from sketcher_tf.training.workers import (
    check_same,
    from_chief,
    is_chief,
    num_workers,
    share_weights,
)

# Batches that the prior of a sheet in the midst of training is fitted to.
_SHEET_BATCHES = 60
# Drawings that the prior of the result is fitted to: more would only fill the
# memory. Shards are in random order, so the first ones are as good as any.
_PRIOR_DRAWINGS = 100_000

# Makes the batches of a worker's share for some epochs.
MakeBatches = Callable[[range, Share], tf.data.Dataset]


def train(
    config: Config,
    data: Path,
    run: RunFolder,
    strategy: tf.distribute.Strategy,
    restart: bool = False,
    origin: Origin | None = None,
) -> None:
    """Trains a model, or goes on where a run was cut off.

    The result is `run.model`. With several workers all of them call this; the
    chief alone reads and writes the run folder.

    Args:
        config: all settings.
        data: a prepared folder.
        run: where results go.
        strategy: how replicas share the work.
        restart: forget what is in the run folder.
        origin: the model to begin with, whose settings `config` has taken on
            by `continued`; None begins anew.

    Raises:
        ValueError: the run folder holds a run with other settings or other
            data, or another training is at work in it.
        FloatingPointError: a loss or a gradient was not finite.
    """
    # The same sums in the same order, so that a resumed run repeats itself.
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.training.seed)
    keras.config.set_dtype_policy(config.training.precision)
    training = _Training(config, data, run, strategy, origin)
    with run.claimed() if training.chief else contextlib.nullcontext():
        if training.chief:
            training.claim(restart)
        training.go()


class _Training:
    """What one process does in a training; the arguments are those of `train`.

    What decides how it goes on is the chief's word, so that no worker waits for
    another that has stopped.
    """

    def __init__(
        self,
        config: Config,
        data: Path,
        run: RunFolder,
        strategy: tf.distribute.Strategy,
        origin: Origin | None,
    ) -> None:
        self.config = config
        self.data = data
        self.run = run
        self.strategy = strategy
        self.chief = is_chief(strategy)
        self.origin = origin
        self.manifest = read_manifest(data)
        self.kept = None  # classes of the origin that the data lack, bool [K]
        if origin:
            schema = origin.reconcile(self.manifest.schema)
            self.kept = without_drawings(schema, self.manifest.schema)
            self.manifest = dataclasses.replace(self.manifest, schema=schema)
        self.steps = config.training.steps_per_epoch or self._one_pass("train")

    def claim(self, restart: bool) -> None:
        """Makes the run folder, or checks that it is this run's."""
        if restart:
            self.run.clear()
        for path, text in (
            (self.run.config, self.config.dumps()),
            (self.run.schema, self.manifest.dumps()),
        ):
            if path.exists() and path.read_text() != text:
                raise ValueError(
                    "a run is resumed with the settings and data it began "
                    f"with; received others than those in {path}. Name "
                    "another folder with --run, or begin anew with --restart."
                )
            write_bytes(path, text.encode())

    def go(self) -> None:
        """All of it, from wherever the run was cut off."""
        check_same(self.strategy, self.config.dumps() + self.manifest.dumps())
        if self._chief_says(self.run.model.exists()):
            return
        model = self._make_model()
        if self.config.model.image_latent_size:
            self._train_images(model)
        self._train_strokes(model)
        critic = None
        if self.config.critic_phase:
            critic = self._train_critic(model)
        if self.chief:
            self._finish(critic)
        # The workers stay until then: losing one would stop the chief.
        self._chief_says(True)

    def _chief_says(self, what: bool) -> bool:
        return bool(from_chief(self.strategy, np.array(what, np.int32))[0])

    def _make_model(self) -> AISketcher:
        settings = self.config.training
        with self.strategy.scope():
            model = AISketcher(self.config, self.manifest.schema)
            model.compile(
                FusedAdam(
                    LearningRate.of(settings, self.steps * settings.epochs)
                ),
                jit_compile=False,
            )
        if self.origin and self.chief:
            self.origin.begin(model)  # what has been saved comes over it
        self._take_up(model, self.run.last)
        return model

    def _take_up(self, model: ReplicatedModel, path: Path) -> None:
        """Loads weights and optimizer, if they have been saved."""
        with self.strategy.scope():
            model.optimizer.build(model.trainable_variables)
        if self.chief and path.exists():
            model.load_weights(path)
        share_weights(self.strategy, model)

    def _train_images(self, model: AISketcher) -> None:
        """The CNN autoencoder has its own phase; then it is frozen."""
        if int(model.optimizer.iterations.numpy()):
            return
        settings = self.config.training
        with self.strategy.scope():
            phase = ImageTraining(
                model.image_autoencoder, settings.gradient_clip
            )
            steps = self.steps * settings.image_epochs
            phase.compile(
                FusedAdam(LearningRate.of(settings, steps)),
                jit_compile=False,
            )
        self._take_up(phase, self.run.images)
        saver = WeightsSaver(self.run.images)
        epochs = settings.image_epochs
        self._fit(phase, self._training_batches, epochs, "images", [saver])
        model.image_autoencoder.trainable = False

    def _train_strokes(self, model: AISketcher) -> None:
        settings = self.config.training
        if not settings.epochs:
            if self.chief and not self.run.best.exists():
                write_atomically(self.run.best, model.save)
            return
        recorder = Recorder(self.run, settings.patience)
        recorder.resume(self._epochs_done(model))
        if self._chief_says(recorder.exhausted):
            return
        summaries = Summaries(
            self.run,
            settings.sheet_every,
            self._drawings("train").take(_SHEET_BATCHES),
            self.kept,
        )
        self._fit(
            model,
            self._training_batches,
            settings.epochs,
            "epoch",
            [summaries, recorder],
            self._validation,
        )

    def _train_critic(self, model: AISketcher) -> Critic:
        """It learns to read what the best encoder has read."""
        self._take_up(model, self.run.best)
        critic = model.critic
        assert critic is not None
        settings = self.config.training
        replay = self._replay()
        with self.strategy.scope():
            phase = CriticTraining(
                critic, model.encoder.states, settings, replay
            )
            steps = self.steps * settings.critic_epochs
            rate = dataclasses.replace(
                settings,
                schedule="linear",
                learning_rate=settings.critic_learning_rate,
            )
            phase.compile(
                FusedAdam(LearningRate.of(rate, steps)), jit_compile=False
            )
        self._take_up(phase, self.run.critic)
        self._fit(
            phase,
            self._augmented_batches,
            settings.critic_epochs,
            "critic",
            [Curves(self.run, "critic/"), WeightsSaver(self.run.critic)],
            self._validation,
        )
        return critic

    def _replay(self) -> Replay | None:
        """Drawings of the words that the data lack, if they are kept."""
        if self.origin is None or self.kept is None or not self.kept.any():
            return None
        sketcher = Sketcher(self.origin.model)
        return recall(sketcher, self.manifest.schema, self.kept)

    @property
    def _validation(self) -> Validation:
        split = self._held_out
        return Validation(self._drawings(split), self._one_pass(split))

    @property
    def _held_out(self) -> str:
        """A set of a few drawings may have none to validate on."""
        return "valid" if self.manifest.splits["valid"].count else "train"

    def _fit(
        self,
        model: ReplicatedModel,
        make: MakeBatches,
        epochs: int,
        title: str,
        of_chief: Sequence[keras.callbacks.Callback],
        validation: Validation | None = None,
    ) -> None:
        """The epochs that are left, with callbacks of the chief's."""
        done = self._epochs_done(model)
        if done:
            logging.info("Resuming %s after epoch %d", self.run.path, done)
        share = Share(0, num_workers(self.strategy))  # the chief's
        callbacks: list[keras.callbacks.Callback] = [
            StopOnNaN(
                lambda epochs: make(epochs, share),
                self.run.nan_batch if self.chief else None,
            )
        ]
        if self.chief:
            size = self.config.data.batch_size
            callbacks += [*of_chief, ProgressBar(size, title)]
        left = range(done, epochs)
        batches = Batches(lambda share: make(left, share), self.steps)
        fit(model, batches, left, callbacks, validation)

    def _epochs_done(self, model: ReplicatedModel) -> int:
        return int(model.optimizer.iterations.numpy()) // self.steps

    def _training_batches(self, epochs: range, share: Share) -> tf.data.Dataset:
        settings = self.config.training
        # Drawings are still begun otherwise, or that would be forgotten.
        plain = dataclasses.replace(
            self.config.data, random_scale=0.0, drop_point=0.0, mirror=0.0
        )
        end = settings.epochs - settings.plain_epochs  # of augmentation
        augmented = range(epochs.start, min(epochs.stop, end))
        last = range(max(epochs.start, end), epochs.stop)
        return self._augmented_batches(augmented, share).concatenate(
            self._augmented_batches(last, share, plain)
        )

    def _augmented_batches(
        self, epochs: range, share: Share, how: DataConfig | None = None
    ) -> tf.data.Dataset:
        """As the settings say, or `how`."""
        return training_batches(
            self.data,
            self.manifest,
            how or self.config.data,
            self.config.training.seed,
            epochs,
            self.steps,
            share,
        )

    def _drawings(self, split: str) -> tf.data.Dataset:
        return evaluation_batches(
            self.data, self.manifest, split, self.config.data
        )

    def _one_pass(self, split: str) -> int:
        return steps_per_epoch(self.manifest.splits[split], self.config.data)

    def _finish(self, critic: Critic | None) -> None:
        """The best checkpoint, with the prior of the training drawings.

        Args:
            critic: the one that has had a phase of its own.
        """
        model = keras.saving.load_model(self.run.best, compile=False)
        enough = math.ceil(_PRIOR_DRAWINGS / self.config.data.batch_size)
        if self.config.training.epochs:
            fit_prior(model, self._drawings("train").take(enough), self.kept)
        if critic is not None:
            model.critic.set_weights(critic.get_weights())
        if model.critic is not None:
            calibrate(model, self._drawings(self._held_out).take(enough))
        sketcher = Sketcher(model)
        if sketcher.has_critic and len(sketcher.schema.words) >= MANY_WORDS:
            sketcher.fit_thresholds()
        draw_sheet(sketcher, self.run.sheet)
        # The last of all files: it says that the run has ended.
        write_atomically(self.run.model, model.save)
