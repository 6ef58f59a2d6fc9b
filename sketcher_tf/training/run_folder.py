"""The run folder: what a training leaves behind, and where.

    config.json   the settings        schema.json   the data's manifest
    last.keras    to resume from      best.keras    lowest validation loss
    images.weights.h5, critic.weights.h5   to resume their phases from
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

from sketcher_tf.files import locked, project_folder, write_atomically

RUNS = Path("runs")
DEFAULT_MODEL = "quickdraw"  # the pretrained one, for who has trained none
HUB = "hf://"
SHARED_WEIGHTS = "model.weights.h5"  # in a folder that Keras loads


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
    def critic(self) -> Path:
        """The critic in its own phase, with its optimizer."""
        return self.path / "critic.weights.h5"

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
            self.critic,
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


def pretrained() -> dict[str, Path]:
    """The models that come with the project, by name."""
    files = project_folder("pretrained").glob("*.keras")
    return {file.stem: file for file in sorted(files)}


def model_file(model: str | Path | None = None) -> Path:
    """The file of a model, or its folder if Keras loads that.

    Args:
        model: a run folder, a `.keras` file, the name of a pretrained model,
            `hf://user/model` for one on the Hugging Face hub, which is
            downloaded, or a folder that `share` has written. A run that has
            not ended gives its best checkpoint so far. None is the newest
            run, or the default pretrained model without any run.

    Raises:
        FileNotFoundError: there is none.
        ModuleNotFoundError: the hub needs a package that is not installed.
    """
    if model is None:
        found = _newest_run() or pretrained().get(DEFAULT_MODEL)
    elif str(model).startswith(HUB):
        found = _downloaded(str(model).removeprefix(HUB))
    else:
        found = _model_at(Path(model)) or pretrained().get(str(model))
    if found is None:
        given = repr(str(model)) if model else "none, and no run is in runs/"
        raise FileNotFoundError(
            "a model must be a run folder, a .keras file, hf://user/model or "
            f"one of {', '.join(pretrained())}; received {given}. Train one "
            "with `python -m sketcher_tf.train`."
        )
    return found


def _model_at(path: Path) -> Path | None:
    loads = path.is_file() or (path / SHARED_WEIGHTS).is_file()
    return path if loads else _result(RunFolder(path))


def _newest_run() -> Path | None:
    runs = (_result(RunFolder(folder)) for folder in sorted(RUNS.glob("*")))
    return max(
        filter(None, runs), key=lambda f: f.stat().st_mtime, default=None
    )


def _downloaded(repository: str) -> Path:
    """A folder with the files of a repository of the Hugging Face hub.

    Raises:
        FileNotFoundError: there is none of that name, or no connection.
        ModuleNotFoundError: a package is missing.
    """
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "a model of the Hugging Face hub needs the package "
            f"huggingface_hub; received {HUB}{repository} without it. Run "
            "`pip install 'sketcher-tf[hub]'`."
        ) from error
    try:
        return Path(huggingface_hub.snapshot_download(repository))
    except (OSError, ValueError) as error:
        cause = str(error).strip().partition("\n")[0].rstrip(".")
        raise FileNotFoundError(
            "a model of the Hugging Face hub must be there and open to you; "
            f"received {HUB}{repository}: {cause}. Check the name and the "
            "connection; for one that is not public, log in by `hf auth login`."
        ) from error


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
