import subprocess
import sys

import pytest

import sketcher_tf
from sketcher_tf.cli import main
from tests.testing.source_imports import ROOT


def test_help_names_every_command(capsys):
    printed = []
    for args in ([], ["help"], ["--help"]):
        main.main(args)
        printed.append(capsys.readouterr().out)
    assert len(set(printed)) == 1
    for name in main.COMMANDS:
        assert f"\n  {name} " in printed[0]


def test_the_version_is_the_packages(capsys):
    main.main(["--version"])
    assert capsys.readouterr().out == f"sketcher {sketcher_tf.__version__}\n"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("drow", "Did you mean draw?"), ("x", "Try `sketcher help`.")],
)
def test_an_unknown_command_is_told(name, remedy):
    with pytest.raises(SystemExit) as exit_:
        main.main([name])
    assert exit_.value.code.startswith("error: a command must be one of draw, ")
    assert exit_.value.code.endswith(f"; received {name!r}. {remedy}")


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help_of_its_own(name):
    """At once, without what is slow to load, and with its own flags only."""
    code = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from sketcher_tf.cli.main import main\n"
        f"main({name.split()!r} + ['--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"sketcher {name} [--flag=value ...]\n")
    assert f"    sketcher {name}" in done.stdout  # an example
    assert "--verbosity" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_command_gets_the_rest(capsys):
    with pytest.raises(SystemExit, match="received --categry"):
        main.main(["draw", "--categry=cat"])
    with pytest.raises(SystemExit, match="of `sketcher export tflite`"):
        main.main(["export", "tflite", "--x"])
    with pytest.raises(SystemExit, match="of `sketcher export`; received --x"):
        main.main(["export", "--x"])


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "sketcher_tf.cli", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"sketcher {sketcher_tf.__version__}\n"
