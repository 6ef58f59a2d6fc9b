"""What happens beside the training steps: records, sheets, progress."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
import rich
import tensorflow as tf
from rich import progress

from sketcher_tf import rendering
from sketcher_tf.files import write_atomically
from sketcher_tf.model.prior.fit import fit_prior
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import (
    RunFolder,
    best_epoch,
    read_history,
    write_history,
)

SHEET_COLUMNS = 10
_SHEET_ROWS = 24  # words; hundreds would take longer than what they show


def draw_sheet(sketcher: Sketcher, path: Path) -> None:
    """A PNG sheet of new sketches, a row for each of the first words."""
    rows = {
        word: sketcher.generate(word, count=SHEET_COLUMNS)
        for word in sketcher.schema.words[:_SHEET_ROWS]
    }
    rendering.save(rows, path)


class Recorder(keras.callbacks.Callback):
    """History, checkpoints and early stopping.

    `last.keras` is the truth: a row of the history beyond it, written just
    before a crash, is dropped by `resume` and comes again. What early stopping
    needs to know is in the history, so that it survives a restart too.

    Args:
        run: where to write.
        patience: epochs without a better validation loss before it stops.
    """

    def __init__(self, run: RunFolder, patience: int) -> None:
        super().__init__()
        self.run = run
        self.patience = patience
        self.rows: list[dict[str, float]] = []

    def resume(self, epochs_done: int) -> None:
        """Takes up the history of the epochs that `last.keras` has seen."""
        self.rows = read_history(self.run.history)[:epochs_done]

    @property
    def exhausted(self) -> bool:
        """Whether the validation loss has not improved for too long."""
        waited = len(self.rows) - 1 - best_epoch(self.rows)
        return bool(self.rows) and 0 < self.patience <= waited

    def on_epoch_end(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        self.rows.append({"epoch": epoch, **(logs or {})})
        write_history(self.run.history, self.rows)
        if best_epoch(self.rows) == epoch:
            write_atomically(self.run.best, self.model.save)
        write_atomically(self.run.last, self.model.save)
        if self.exhausted:
            self.model.stop_training = True


class WeightsSaver(keras.callbacks.Callback):
    """Keeps the weights and the optimizer of the last epoch.

    Args:
        path: where to write; ends in `.weights.h5`.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def on_epoch_end(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        write_atomically(self.path, self.model.save_weights)


class Curves(keras.callbacks.Callback):
    """TensorBoard: all losses.

    Args:
        run: where to write.
        prefix: of their names.
    """

    def __init__(self, run: RunFolder, prefix: str = "") -> None:
        super().__init__()
        self.run = run
        self.prefix = prefix

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self.writer = tf.summary.create_file_writer(str(self.run.logs))

    def on_epoch_end(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        with self.writer.as_default(step=epoch):
            for name, value in (logs or {}).items():
                tf.summary.scalar(self.prefix + name, value)
        self.writer.flush()


class Summaries(Curves):
    """TensorBoard: all losses, and the sheets, each few epochs.

    Args:
        run: where to write.
        every: epochs between two sheets.
        batches: drawings to fit the latent prior to, for the sheets.
        kept: the classes whose prior stays, see `fit_prior`.
    """

    def __init__(
        self,
        run: RunFolder,
        every: int,
        batches: tf.data.Dataset,
        kept: np.ndarray | None = None,
    ) -> None:
        super().__init__(run)
        self.every = every
        self.batches = batches
        self.kept = kept

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        super().on_train_begin()
        # What the network draws by itself; its critic is not ready.
        self.sketcher = Sketcher(self.model, tries=1)

    def on_epoch_end(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        if (epoch + 1) % self.every == 0:
            with self.writer.as_default(step=epoch):
                self._sheet(epoch)
        super().on_epoch_end(epoch, logs)

    def _sheet(self, epoch: int) -> None:
        fit_prior(self.model, self.batches, self.kept)
        path = self.run.sheets / f"epoch-{epoch + 1:04d}.png"
        draw_sheet(self.sketcher, path)
        image = tf.io.decode_png(tf.io.read_file(str(path)), channels=1)
        tf.summary.image("sketches", image[None])


class ProgressBar(keras.callbacks.Callback):
    """A bar with losses, sketches per second and the time left.

    Where there is no terminal to move a bar on, a line per epoch.

    Args:
        batch_size: drawings per step.
        title: what is being trained.
    """

    def __init__(self, batch_size: int, title: str) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.title = title

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        console = rich.get_console()
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[losses]}"),
            progress.TextColumn("{task.fields[speed]}"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self.bar.start()

    def on_epoch_begin(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        total = self.params["epochs"]
        self.task = self.bar.add_task(
            f"{self.title} {epoch + 1}/{total}",
            total=self.params["steps"],
            losses="",
            speed="",
        )

    def on_train_batch_end(
        self, batch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        speed = self.bar.tasks[self.task].speed or 0.0
        self.bar.update(
            self.task,
            completed=batch + 1,
            losses=_losses(logs or {}, ""),
            speed=f"{speed * self.batch_size:.0f} sketches/s",
        )

    def on_epoch_end(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        losses = _losses(logs or {}, "val_") or _losses(logs or {}, "")
        self.bar.update(self.task, losses=losses)
        if self.bar.disable:
            task = self.bar.tasks[self.task]
            speed = task.fields["speed"]
            logging.info("%s: %s, %s", task.description, losses, speed)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self.bar.stop()


def _losses(logs: Mapping[str, float], prefix: str) -> str:
    names = ("loss", "reconstruction_loss", "kl_loss", "accuracy")
    short = ("loss", "rec", "kl", "accuracy")
    return " ".join(
        f"{prefix}{text} {logs[prefix + name]:.4f}"
        for name, text in zip(names, short, strict=True)
        if prefix + name in logs
    )


class StopOnNaN(keras.callbacks.Callback):
    """Stops when a loss or a gradient is not finite, before anything is saved.

    Logs are running means, so the first bad step shows and no later one hides
    it. The pipeline is a function of (seed, epoch), so its batch need not be
    kept: it is made again.

    Args:
        batches: makes the batches of an epoch; with several workers, those
            of the chief, whose part of the bad one is kept.
        path: where the bad one goes, `.npz`; None for workers.
    """

    def __init__(
        self,
        batches: Callable[[range], tf.data.Dataset],
        path: Path | None,
    ) -> None:
        super().__init__()
        self.batches = batches
        self.path = path
        self.epoch = self.step = 0

    def on_epoch_begin(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        self.epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        self.step = batch
        self._check(logs or {})

    def on_epoch_end(
        self, epoch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        self._check(logs or {})

    def _check(self, logs: Mapping[str, float]) -> None:
        bad = [name for name, value in logs.items() if not np.isfinite(value)]
        if not bad:
            return
        if self.path:
            epoch = self.batches(range(self.epoch, self.epoch + 1))
            batch = next(iter(epoch.skip(self.step)))
            arrays = {k: v.numpy() for k, v in batch._asdict().items()}
            write_atomically(self.path, lambda file: np.savez(file, **arrays))
        raise FloatingPointError(
            f"losses must be finite; received NaN or infinity for "
            f"{', '.join(bad)} in epoch {self.epoch + 1}, step "
            f"{self.step + 1}. The batch is in {self.path}; try a lower "
            "--set training.learning_rate."
        )
