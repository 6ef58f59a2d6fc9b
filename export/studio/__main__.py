"""Builds the studio, a page to draw on together with models, and serves it.

    sketcher studio
    sketcher studio --model=runs/cats --output=build/cats --noserve

Without --model it offers the newest run and the pretrained models. What was
not exported before is exported in int8 or, where that would cost too much of
its likelihood, in float16.
"""

import logging
import subprocess
from pathlib import Path

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.training.run_folder import model_file, pretrained

from .build import BUILT, build
from .server import serve

COMMAND = Command(
    "sketcher studio",
    __doc__,
    extra="phone",
    errors=(subprocess.CalledProcessError,),
)
_MODEL = flags.DEFINE_multi_string(
    "model",
    [],
    "A run folder, .keras or .tflite file; several can be chosen from. By "
    "default the newest run and the pretrained models.",
    flag_values=COMMAND.flags,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "The folder of the page; by default dist/ beside its sources.",
    flag_values=COMMAND.flags,
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Drawings on which an export is tried; by default those of the run.",
    flag_values=COMMAND.flags,
)
_SERVE = flags.DEFINE_bool(
    "serve",
    True,
    "Serve the page when it is built.",
    flag_values=COMMAND.flags,
)
_PORT = flags.DEFINE_integer(
    "port", 8000, "Where to.", 0, flag_values=COMMAND.flags
)


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
        _export(file, target, data)
    return target


def _export(file: Path, target: Path, data: str | None) -> None:
    """In int8 or, where the model loses too much by it, in float16."""
    from sketcher_tf.sketcher import Sketcher

    from ..tflite import export
    from ..tflite.verify import LossError

    sketcher = Sketcher.load(file)
    drawings = export.drawings_for(sketcher, file, data)
    try:
        export.export(sketcher, target, "int8", drawings)
    except LossError as error:
        logging.info("%s", error)
        export.export(sketcher, target, "float16", drawings)


def _models() -> list[Path]:
    """The chosen ones; else the newest run and the pretrained models."""
    newest: list[str | Path] = [model_file(), *pretrained().values()]
    chosen = _MODEL.value or newest
    return [exported(model, _DATA.value) for model in dict.fromkeys(chosen)]


def _name(file: Path) -> str:
    """What a model is called: runs have their folder's name."""
    return file.absolute().parent.name if file.stem == "model" else file.stem


def main(arguments: list[str]) -> None:
    """Flags -> library calls."""
    refuse_arguments(arguments, "--model=runs/doodles")
    output = Path(_OUTPUT.value or BUILT)
    models = {_name(file): file for file in _models()}
    build(models, output)
    logging.info("Built %s with %s", output, ", ".join(models))
    if _SERVE.value:
        with serve(output, _PORT.value) as server:
            logging.info("Open http://localhost:%d", server.server_port)
            server.serve_forever()


if __name__ == "__main__":
    COMMAND.run(main)
