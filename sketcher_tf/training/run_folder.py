"""The run folder: what a training leaves behind, and where.

    config.json   the settings        schema.json   the data's manifest
    last.keras    to resume from      best.keras    lowest validation loss
    images.weights.h5   to resume the CNN autoencoder's phase from
    model.keras   the result: the best, with its latent prior
    history.csv   a row per epoch     sheets/, sheet.png   what it draws
    nan_batch.npz the drawings that broke it, if it broke
    logs/         TensorBoard

No TensorFlow here.
"""

import contextlib
import csv
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sketcher_tf.files import locked, write_atomically

RUNS = Path("runs")
# The model that comes with the project, for who has trained none.
PRETRAINED = Path(__file__).parents[2] / "pretrained" / "model.keras"


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, by name."""

    path: Path

    @property
    def config(self) -> Path:
        """The settings, JSON."""
        return self.path / "config.json"

    @property
    def schema(self) -> Path:
        """The manifest of the data, JSON."""
        return self.path / "schema.json"

    @property
    def images(self) -> Path:
        """The CNN autoencoder in its own phase, with its optimizer."""
        return self.path / "images.weights.h5"

    @property
    def last(self) -> Path:
        """The newest checkpoint, with the optimizer."""
        return self.path / "last.keras"

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest validation loss."""
        return self.path / "best.keras"

    @property
    def model(self) -> Path:
        """The result of the run; there is none until it has ended."""
        return self.path / "model.keras"

    @property
    def nan_batch(self) -> Path:
        """The batch after which the loss was not finite."""
        return self.path / "nan_batch.npz"

    @property
    def history(self) -> Path:
        """A row per epoch."""
        return self.path / "history.csv"

    @property
    def sheets(self) -> Path:
        """Sheets of sketches, one each few epochs."""
        return self.path / "sheets"

    @property
    def sheet(self) -> Path:
        """The sheet of the result."""
        return self.path / "sheet.png"

    @property
    def logs(self) -> Path:
        """For TensorBoard."""
        return self.path / "logs"

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keeps other trainings out.

        Raises:
            ValueError: there is one already.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self._lock, wait=False))
            except BlockingIOError as error:
                raise ValueError(
                    "a run folder can be used by one training at a time; "
                    f"another one is at work in {self.path}. Wait for it, or "
                    "name another folder with --run."
                ) from error
            yield

    def clear(self) -> None:
        """Removes what a training left; the settings last.

        Without them a half-cleared folder would pass for a new one.
        """
        for folder in (self.sheets, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (
            self.images,
            self.last,
            self.best,
            self.model,
            self.history,
            self.sheet,
            self.nan_batch,
            self.schema,
            self.config,
        ):
            file.unlink(missing_ok=True)

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"


def model_file(path: Path | None = None) -> Path:
    """The model to load: of a run folder, a file, or the newest run.

    A run that has not ended gives its best checkpoint so far. Without any run
    it is the pretrained model.

    Raises:
        FileNotFoundError: there is none.
    """
    if path is not None and path.is_file():
        return path
    folders = [path] if path is not None else sorted(RUNS.glob("*"))
    found = [file for f in folders if (file := _result(RunFolder(f)))]
    if found:
        return max(found, key=lambda file: file.stat().st_mtime)
    if path is None and PRETRAINED.exists():
        return PRETRAINED
    raise FileNotFoundError(
        "a model must be a run folder or a .keras file; received "
        f"{str(path) if path else 'none, and there is no run in runs/'!r}. "
        "Train one with `python -m sketcher_tf.train`."
    )


def _result(run: RunFolder) -> Path | None:
    return next(
        (file for file in (run.model, run.best, run.last) if file.exists()),
        None,
    )


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of `history.csv`; none if there is no file."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [
            {
                **{k: float(v) for k, v in row.items()},
                "epoch": int(row["epoch"]),
            }
            for row in csv.DictReader(file)
        ]


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Writes `rows`, exactly: reading them gives the same floats."""

    def write(building: Path) -> None:
        with open(building, "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(path, write)


def best_epoch(rows: Sequence[Mapping[str, float]]) -> int:
    """The first row with the lowest validation loss; -1 if there is none."""
    losses = [row["val_loss"] for row in rows]
    return losses.index(min(losses)) if losses else -1
