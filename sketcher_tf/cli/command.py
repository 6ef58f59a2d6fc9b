"""A command: absl's flags, a help that fits a screen, errors of one line.

    COMMAND = Command("sketcher prepare", __doc__, extra="tf")
    _DATA = flags.DEFINE_string("data", None, "...", flag_values=COMMAND.flags)

    def main(arguments: list[str]) -> None:
        from sketcher_tf.data import sources
        ...

    if __name__ == "__main__":
        COMMAND.run(main)

Each command has flags of its own, so that several can live in one process. What
is slow to load, `main` imports: so help and mistakes are answered at once.
"""

import contextlib
import difflib
import gc
import importlib
import logging
import os
import re
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from absl import flags
from absl import logging as absl_logging

_HELP = {"-h", "-help", "--help", "--helpfull", "--helpshort"}


class Command:
    """One command line.

    Args:
        name: as it is typed, e.g. `sketcher draw`.
        text: what it does, with examples: the docstring of its module.
        extra: of the package, which brings what the command needs; "" if it
            needs nothing but the package itself.
        tensorflow: whether the command uses it, of its extra.
        gpus: whether TensorFlow may see them.
        errors: told in one line, besides those that every command may meet.
    """

    def __init__(
        self,
        name: str,
        text: str,
        *,
        extra: str = "",
        tensorflow: bool = True,
        gpus: bool = True,
        errors: tuple[type[Exception], ...] = (),
    ) -> None:
        self.name = name
        self.flags = flags.FlagValues()
        self._text = text
        self._extra = extra
        self._tensorflow = bool(extra) and tensorflow
        self._gpus = gpus
        self._errors: tuple[type[Exception], ...] = (
            *(ValueError, OSError, FloatingPointError),
            *errors,
        )

    def define_model(self) -> flags.FlagHolder[Any]:
        """The flag --model of a command that takes one; see `model_file`."""
        return flags.DEFINE_string(
            "model",
            None,
            "A run folder, a .keras file, the name of a pretrained model or "
            "hf://user/model; by default the newest run, or the pretrained "
            "model.",
            flag_values=self.flags,
        )

    def parse(self, arguments: Sequence[str]) -> list[str]:
        """Reads the flags, and returns what is no flag.

        Raises:
            SystemExit: a flag is unknown or wrong, or help was asked for.
        """
        if _HELP & set(arguments):
            print(self.help())
            raise SystemExit(0)
        for name in self.flags:
            self.flags[name].unparse()  # what an earlier call was given
        try:
            return self.flags([self.name, *arguments])[1:]
        except flags.Error as error:
            raise SystemExit(f"error: {self._mistake(error)}") from error

    def run(
        self,
        main: Callable[[list[str]], None],
        arguments: Sequence[str] | None = None,
    ) -> None:
        """Reads the flags and calls `main` with what is no flag.

        Args:
            main: does the work; what it raises is told in one line.
            arguments: by default those of the process.

        Raises:
            SystemExit: something went wrong, or help was asked for.
        """
        given = sys.argv[1:] if arguments is None else arguments
        try:
            rest = self.parse(given)
            _log_to_stderr()
            with needs(self._extra, self.name):
                self._load()
                main(rest)
        except ModuleNotFoundError as error:
            raise SystemExit(f"error: {error}") from error
        except BrokenPipeError:
            _drop_stdout()
        except self._errors as error:
            raise SystemExit(f"error: {error}") from error
        except KeyboardInterrupt:
            raise SystemExit(130) from None  # as shells count SIGINT

    def help(self) -> str:
        """What the command does, and its flags."""
        width = min(shutil.get_terminal_size().columns, 80)
        return "\n".join(
            [
                f"{self.name} [--flag=value ...]\n",
                *(self._text.strip(), "\nFlags:"),
                *(_describe(self.flags[name], width) for name in self.flags),
            ]
        )

    def _load(self) -> None:
        if not self._gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        if self._tensorflow:
            _load_tensorflow()

    def _mistake(self, error: flags.Error) -> str:
        """What is wrong with the flags, and how it is put right."""
        text = str(error)
        if isinstance(error, flags.UnrecognizedFlagError):
            return self._unknown(error.flagname)
        if missing := re.findall(r"flag (--\w+)=None: Flag", text):
            asked = " ".join(f"{flag}=..." for flag in missing)
            return f"{' and '.join(missing)} must be given. Write {asked}"
        if found := re.fullmatch("Missing value for flag (.*)", text):
            flag = found[1]
            return (
                f"a flag must have a value; received {flag}. Write {flag}=..."
            )
        return f"{text.rstrip('.')}. `{self.name} --help` has all flags."

    def _unknown(self, name: str) -> str:
        close = difflib.get_close_matches(name, list(self.flags), 1)
        remedy = f"Did you mean --{close[0]}?" if close else "See --help."
        return (
            f"a flag must be one of `{self.name}`; received --{name}. {remedy}"
        )


@contextlib.contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Says which extra brings a module that is missing.

    Args:
        extra: of the package; "" is the package itself.
        what: cannot do without it.

    Raises:
        ModuleNotFoundError: with what to install.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None:  # it says so itself
            raise
        package = f"sketcher-tf[{extra}]" if extra else "sketcher-tf"
        raise ModuleNotFoundError(
            f"{what} needs {error.name}, which is not installed. Run `pip "
            f"install '{package}'`, or in a clone `make install`."
        ) from error


def refuse_arguments(arguments: Sequence[str], example: str) -> None:
    """Only flags are understood: the rest is often a glob without quotes.

    Args:
        arguments: what is no flag.
        example: how to write it.

    Raises:
        ValueError: there are any.
    """
    if arguments:
        raise ValueError(
            f"everything is given by flags; received {list(arguments)}. Write "
            f"for example {example}; quote names with * in them."
        )


def _describe(flag: flags.Flag, width: int) -> str:
    """A flag with its default, and what it means."""
    # What absl adds to the words of enumerations and of flags given often.
    words = re.sub(r"^<.*?>: |;\s+repeat this option.*$", "", flag.help)
    if flag.boolean:
        head = f"--[no]{flag.name}"
    elif isinstance(flag, flags.EnumFlag):
        head = f"--{flag.name}={'|'.join(flag.parser.enum_values)}"
    elif flag.default in (None, []):
        head = f"--{flag.name}=..."
    else:
        head = f"--{flag.name}={flag.default}"
    indent = " " * 8
    body = textwrap.fill(
        words, width, initial_indent=indent, subsequent_indent=indent
    )
    return f"  {head}\n{body}"


def _drop_stdout() -> None:
    """Whoever reads it, as `head` does, has enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _log_to_stderr() -> None:
    """Plain lines on a terminal; elsewhere, in a file, with their time."""
    form = "%(message)s" if sys.stderr.isatty() else "%(asctime)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=form)
    # TensorFlow has much to say of every SavedModel, through both.
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    absl_logging.set_verbosity(absl_logging.WARNING)


def _load_tensorflow() -> None:
    """Imports TensorFlow without its reports on the hardware.

    Some are written while it is loaded, before TF_CPP_MIN_LOG_LEVEL is read,
    and one when GPUs are looked for.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _held_back_stderr(), _without_garbage_collection():
        # By name, as the package does without it where no model is at work.
        tf = importlib.import_module("tensorflow")
        tf.config.list_physical_devices()


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """For what is loaded and stays: looking for garbage in it takes a fifth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor is it looked at later
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Shows what the process writes to stderr only if it fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
