import importlib
import os
import subprocess
import sys
from typing import Any

import pytest
from absl import flags

from sketcher_tf.cli import Command, refuse_arguments
from tests.testing.source_imports import ROOT


@pytest.fixture
def command():
    command = Command("sketcher paint", "Paints.\n\n    sketcher paint --red")
    own: Any = {"flag_values": command.flags}
    flags.DEFINE_string("color", "red", "Of the paint.", **own)
    flags.DEFINE_enum("tool", None, ["brush", "knife"], "Held.", **own)
    flags.DEFINE_integer("coats", 1, "How many.", 1, **own)
    flags.DEFINE_multi_string("wall", [], "Which ones.", **own)
    flags.DEFINE_bool("wet", False, "Onto wet paint.", **own)
    return command


def mistake(command, *args):
    with pytest.raises(SystemExit) as exit_:
        command.run(lambda rest: None, args)
    return exit_.value.code


def test_main_gets_what_is_no_flag(command):
    got = []
    command.run(got.extend, ["a", "--color=blue", "b", "--wall", "c"])
    assert got == ["a", "b"]
    assert command.flags.color == "blue"
    assert command.flags.wall == ["c"]


def test_flags_of_an_earlier_call_are_forgotten(command):
    command.parse(["--color=blue", "--wall=a", "--wet"])
    command.parse(["--wall=b"])
    assert command.flags.flag_values_dict() == {
        "color": "red",
        "tool": None,
        "coats": 1,
        "wall": ["b"],
        "wet": False,
    }


def test_help_is_the_text_and_the_flags(command, capsys):
    for name in ("--help", "-h", "--helpfull"):
        assert mistake(command, "--color=blue", name) == 0
    printed = capsys.readouterr().out
    help_ = printed[: len(printed) // 3]
    assert printed == help_ * 3
    assert help_ == (
        "sketcher paint [--flag=value ...]\n\n"
        "Paints.\n\n    sketcher paint --red\n\n"
        "Flags:\n"
        "  --color=red\n        Of the paint.\n"
        "  --tool=brush|knife\n        Held.\n"
        "  --coats=1\n        How many.\n"
        "  --wall=...\n        Which ones.\n"
        "  --[no]wet\n        Onto wet paint.\n"
    )


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            ["--colour=blue"],
            "a flag must be one of `sketcher paint`; received --colour. Did "
            "you mean --color?",
        ),
        (
            ["--x"],
            "a flag must be one of `sketcher paint`; received --x. See --help.",
        ),
        (
            ["--color"],
            "a flag must have a value; received --color. Write --color=...",
        ),
        (
            ["--coats=0"],
            "flag --coats=0: 0 is not a positive integer. `sketcher paint "
            "--help` has all flags.",
        ),
        (
            ["--tool=spoon"],
            "flag --tool=spoon: value should be one of <brush|knife>. "
            "`sketcher paint --help` has all flags.",
        ),
    ],
)
def test_mistakes_are_one_line_with_a_remedy(command, args, told):
    assert mistake(command, *args) == f"error: {told}"


def test_all_that_must_be_given_is_named(command):
    for name in ("house", "town"):
        flags.DEFINE_string(
            name, None, "Where.", required=True, flag_values=command.flags
        )
    assert mistake(command, "--wet") == (
        "error: --house and --town must be given. Write --house=... --town=..."
    )


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ValueError("no wall"), "error: no wall"),
        (FileNotFoundError("no house"), "error: no house"),
        (KeyError("bug"), None),
        (KeyboardInterrupt(), 130),
        (ModuleNotFoundError("say it"), "error: say it"),
    ],
)
def test_what_users_can_mend_is_told_in_one_line(command, raised, code):
    def main(rest):
        raise raised

    with pytest.raises((SystemExit, KeyError)) as exit_:
        command.run(main, [])
    assert getattr(exit_.value, "code", None) == code


@pytest.mark.parametrize(
    ("extra", "wanted"), [("", "sketcher-tf"), ("tf", "sketcher-tf[tf]")]
)
def test_what_is_not_installed_has_an_extra(extra, wanted):
    command = Command("sketcher paint", "Paints.", extra=extra)

    def main(rest):
        importlib.import_module("no_such_package")

    with pytest.raises(SystemExit) as exit_:
        command.run(main, [])
    assert exit_.value.code == (
        "error: sketcher paint needs no_such_package, which is not installed. "
        f"Run `pip install '{wanted}'`, or in a clone `make install`."
    )


def test_only_flags_are_understood():
    refuse_arguments([], "--wall=a")
    with pytest.raises(ValueError, match=r"received \['a'\]. Write for"):
        refuse_arguments(["a"], "--wall=a")


def run(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        **options,
    )


def test_tensorflow_is_loaded_quietly_and_stays():
    """In a process of its own, as it speaks when it is loaded."""
    done = run(
        "from sketcher_tf.cli import Command\n"
        "def main(rest):\n"
        "    import sys; assert 'tensorflow' in sys.modules\n"
        "    import gc; assert gc.isenabled()\n"
        "    assert gc.get_freeze_count() > 100_000\n"
        "    import logging; from absl import logging as absl_logging\n"
        "    for log in logging.getLogger('tensorflow'), absl_logging:\n"
        "        log.info('of names in a SavedModel')\n"
        "    print('ready')\n"
        "Command('sketcher paint', 'Paints.', extra='tf').run(main, [])",
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.stdout, done.stderr) == ("ready\n", "")


def test_what_a_failing_start_says_is_shown():
    done = run(
        "import os\n"
        "from sketcher_tf.cli.command import _held_back_stderr\n"
        "with _held_back_stderr(): os.write(2, b'unseen')\n"
        "with _held_back_stderr(): os.write(2, b'seen'); 1 / 0"
    )
    assert "unseen" not in done.stderr
    assert "seen" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_reader_that_has_enough_is_no_error():
    done = run(
        "import os\n"
        "from sketcher_tf.cli import Command\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "Command('sketcher paint', 'Paints.').run(lambda _: print('x' * 99999))"
    )
    assert (done.returncode, done.stderr) == (0, "")
