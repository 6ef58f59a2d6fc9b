"""Builds the studio, a page to draw on together with models, and serves it.

    python -m export.studio
    python -m export.studio --model=runs/cats --output=build/cats --noserve

Without --model it offers the newest run and the pretrained models. What was
not exported before is exported with 8 bits per weight.
"""

import os
import subprocess
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app, flags, logging

from sketcher_tf.cli import refuse_arguments
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import model_file, pretrained

from ..tflite import export
from .build import BUILT, build
from .server import serve

_SHARED = {"allow_override": True}
_MODEL = flags.DEFINE_multi_string(
    "model",
    [],
    "A run folder, .keras or .tflite file; several can be chosen from. By "
    "default the newest run and the pretrained models.",
    **_SHARED,
)
_OUTPUT = flags.DEFINE_string(
    "output", str(BUILT), "The folder of the page.", **_SHARED
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Drawings on which an export is tried; by default those of the run.",
    **_SHARED,
)
_SERVE = flags.DEFINE_bool("serve", True, "Serve the page when it is built.")
_PORT = flags.DEFINE_integer("port", 8000, "Where to.", 0, **_SHARED)


def exported(model: str | Path, data: str | None) -> Path:
    """The .tflite file of a model: itself, or exported if needed.

    Args:
        model: a .tflite file, or a model as `model_file` finds it.
        data: drawings on which the export is tried, see `drawings_for`.
    """
    if Path(model).suffix == ".tflite":
        return Path(model)
    file = model_file(model)
    target = file.with_suffix(".tflite")
    if not target.exists() or target.stat().st_mtime < file.stat().st_mtime:
        logging.info("Exporting %s", file)
        sketcher = Sketcher.load(file)
        drawings = export.drawings_for(sketcher, file, data)
        export.export(sketcher, target, "int8", drawings)
    return target


def _models() -> list[Path]:
    """The chosen ones; else the newest run and the pretrained models."""
    chosen = _MODEL.value or [model_file(), *pretrained().values()]
    return [exported(model, _DATA.value) for model in dict.fromkeys(chosen)]


def _name(file: Path) -> str:
    """What a model is called: runs have their folder's name."""
    return file.absolute().parent.name if file.stem == "model" else file.stem


def main(argv: list[str]) -> None:
    """Flags -> library calls."""
    logging.set_verbosity(logging.INFO)
    output = Path(_OUTPUT.value)
    try:
        refuse_arguments(argv, "--model=runs/doodles")
        models = {_name(file): file for file in _models()}
        build(models, output)
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info("Built %s with %s", output, ", ".join(models))
    if _SERVE.value:
        with serve(output, _PORT.value) as server:
            logging.info("Open http://localhost:%d", server.server_port)
            server.serve_forever()


if __name__ == "__main__":
    app.run(main)
