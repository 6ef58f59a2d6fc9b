"""Whether commands that are shown somewhere exist, with their flags."""

import importlib
import re
from collections.abc import Sequence

from sketcher_tf.cli import Command
from sketcher_tf.cli.main import COMMANDS, choose_command
from tests.testing.source_imports import ROOT


def problems(words: Sequence[str]) -> list[str]:
    """Flags of a command of this project that it does not have."""
    module = module_of(words)
    if module.split(".")[0] not in ("sketcher_tf", "export", "serving"):
        return []
    flags = {
        found[1]
        for word in words
        if (found := re.match(r"--(?:no)?([\w-]+)", word))
    }
    known = {"help", *command_of(module).flags}
    command = " ".join(words)
    return [f"{command}: no flag --{flag}" for flag in sorted(flags - known)]


def module_of(words: Sequence[str]) -> str:
    """The module that runs a command; "" if it is not Python's."""
    if words[:1] == ["sketcher"]:
        return COMMANDS[choose_command(list(words[1:]))[0]][0]
    if "python" in words and "-m" in words:
        return words[words.index("-m") + 1]
    return ""


def command_of(module: str) -> Command:
    """The command that `python -m` runs."""
    is_package = (ROOT / module.replace(".", "/")).is_dir()
    name = f"{module}.__main__" if is_package else module
    return importlib.import_module(name).COMMAND
