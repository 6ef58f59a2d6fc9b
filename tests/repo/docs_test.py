"""README and docs: links lead somewhere, commands exist, the site builds."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from sketcher_tf.data.synthetic.doodles import doodles
from tests.testing import commands, toys
from tests.testing.source_imports import ROOT

_PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "*/README.md")
    for path in ROOT.glob(pattern)
)


def _commands() -> list[tuple[str, str]]:
    """(page, command) for each command of a shell block, in one line each."""
    found = []
    for page in _PAGES:
        for block in re.findall(
            r"^ *```sh\n(.*?)^ *```", page.read_text("utf-8"), re.S | re.M
        ):
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            found += [(page.name, line.strip()) for line in lines]
    return [(page, line) for page, line in found if line]


def problems(command: str) -> list[str]:
    """Flags that a line of a shell block has, and its command has not."""
    return commands.problems(shlex.split(command, comments=True))


@pytest.mark.parametrize(("page", "command"), _commands())
def test_commands_have_the_flags_that_are_shown(page, command):
    assert not problems(command), page


@pytest.mark.parametrize(
    "command",
    [
        "python -m sketcher_tf.train --date=x",
        "sketcher draw --categories=cat",
        "python -m sketcher_tf.nothing",
        "sketcher nothing",
    ],
)
def test_a_wrong_command_is_told(command):
    try:
        assert problems(command)
    except (ModuleNotFoundError, SystemExit) as error:
        assert "nothing" in str(error)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 8 * 1024


def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", f"--site-dir={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "generate" in (tmp_path / "python" / "index.html").read_text()


_TOUR_WORDS = ("cat", "fish")  # a row of the sheet takes seconds


def test_the_tour_runs(tmp_path, monkeypatch):
    """All cells, in a folder of their own, but with few doodles and steps."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    few = tmp_path / "doodles"
    drawn = [d for d in doodles(20) if d.labels["category"] in _TOUR_WORDS]
    toys.write(drawn, few, image_size=64)
    notebook = nbformat.read(ROOT / "docs" / "tour.ipynb", as_version=4)
    [training] = [c for c in notebook.cells if "--data=doodles" in c.source]
    training.source = training.source.replace("doodles", str(few))
    for cell in notebook.cells:
        cell.source = re.sub(
            r"(steps_per_epoch|count)=\d+", r"\1=2", cell.source
        )
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    drawn = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/svg+xml" in output.get("data", {})
    ]
    assert len(drawn) >= 5
    assert (Path(tmp_path) / "runs" / "tour" / "model.keras").exists()
