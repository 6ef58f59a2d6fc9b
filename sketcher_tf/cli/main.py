"""The command `sketcher`, and what it can do.

    sketcher draw --category=crab --output=crab.png
    sketcher train --data=quickdraw:cat,crab
    sketcher draw --help

Each of its commands is a module that can also be run by itself.
"""

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

import sketcher_tf

# Command -> its module, and what it does. Two words come before one.
COMMANDS = {
    "draw": ("sketcher_tf.generate", "draw new sketches, or go on with some"),
    "train": ("sketcher_tf.train", "learn from drawings"),
    "prepare": ("sketcher_tf.prepare", "turn drawings into training data"),
    "evaluate": ("sketcher_tf.evaluate", "measure what models draw"),
    "export": ("export.saved_model.__main__", "for TensorFlow Serving"),
    "export tflite": ("export.tflite.__main__", "for phones"),
    "serve": ("serving.server.__main__", "serve what was exported"),
    "client": ("sketcher_tf.client.cli", "draw with a server's model"),
    "studio": ("export.studio.__main__", "draw together, in a browser"),
    "import": (
        "sketcher_tf.import_model.__main__",
        "take over a published Sketch-RNN",
    ),
    "share": ("export.share", "write a model as the Hugging Face hub wants it"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command that the arguments begin with.

    Args:
        arguments: by default those of the process.

    Raises:
        SystemExit: as the command says, or there is no such command.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        print(f"sketcher {sketcher_tf.__version__}")
    elif not given or given[0] in ("help", "-h", "--help"):
        print(_help())
    else:
        name, rest = choose_command(given)
        module = _load(COMMANDS[name][0])
        module.COMMAND.run(module.main, rest)


def choose_command(given: list[str]) -> tuple[str, list[str]]:
    """The command, and what is left for it.

    Raises:
        SystemExit: there is no such command.
    """
    for size in (2, 1):
        if (name := " ".join(given[:size])) in COMMANDS:
            return name, given[size:]
    close = difflib.get_close_matches(given[0], COMMANDS, 1)
    remedy = f"Did you mean {close[0]}?" if close else "Try `sketcher help`."
    raise SystemExit(
        f"error: a command must be one of {', '.join(COMMANDS)}; received "
        f"{given[0]!r}. {remedy}"
    )


def _load(name: str) -> ModuleType:
    """A module; a wheel has `export` and `serving` inside of the package."""
    top = name.partition(".")[0]
    if importlib.util.find_spec(f"sketcher_tf.{top}"):
        name = f"sketcher_tf.{name}"
    return importlib.import_module(name)


def _help() -> str:
    lines = [f"  {name:14} {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        [
            "sketcher COMMAND [--flag=value ...]\n\nCommands:",
            *lines,
            "\n`sketcher COMMAND --help` has examples and all flags.",
        ]
    )
