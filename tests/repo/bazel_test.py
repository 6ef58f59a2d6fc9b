"""Bazel itself loads every BUILD file, and analyses every target.

Debian has a Bazel that works without a network (`apt-get install
bazel-bootstrap`); what it would fetch is replaced by `bazel/`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.build_files import read_targets
from tests.testing.source_imports import ROOT


def _knows_workspaces() -> bool:
    """Bazel 8 and later fetch by MODULE.bazel alone, from the network."""
    if shutil.which("bazel") is None:
        return False
    command = ["bazel", "--version"]
    version = subprocess.run(command, capture_output=True, text=True).stdout
    found = re.search(r"\d+", version)
    return found is None or int(found[0]) < 8  # Debian's tells no number


pytestmark = pytest.mark.skipif(
    not _knows_workspaces(),
    reason="needs Bazel below 8: apt-get install bazel-bootstrap",
)

_STAND_INS = Path(__file__).parent / "bazel"
# Outside of the tree nothing is needed but Python, and the shell for genrules.
_RULES = ("py_binary", "py_library", "py_test")
_PARTS = (
    "benchmarks",
    "export",
    "pretrained",
    "serving",
    "sketcher_tf",
    "tests",
)


@pytest.fixture(scope="module")
def bazel(tmp_path_factory):
    """Runs Bazel in a workspace that shows this tree; its output."""
    home = tmp_path_factory.mktemp("bazel")
    workspace = home / "workspace"
    _write_workspace(workspace, home / "stand_ins")
    start = [
        "bazel",
        f"--output_user_root={home / 'output'}",
        # It is over before better machine code would pay.
        "--host_jvm_args=-XX:TieredStopAtLevel=1",
    ]

    def run(*args: str) -> str:
        done = subprocess.run(
            [*start, *args],
            cwd=workspace,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "HOME": str(home)},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    yield run
    run("shutdown")
    # Bazel makes its folders read-only.
    subprocess.run(["chmod", "-R", "u+w", home / "output"], check=False)


def _write_workspace(workspace: Path, stand_ins: Path) -> None:
    workspace.mkdir()
    for name in ("BUILD", ".bazelignore", "requirements_lock.txt", *_PARTS):
        (workspace / name).symlink_to(ROOT / name)
    python = stand_ins / "rules_python"
    (python / "python").mkdir(parents=True)
    (python / "WORKSPACE").touch()
    (python / "python" / "BUILD").touch()
    for rule in _RULES:
        (python / "python" / f"{rule}.bzl").write_text(
            f'load("@stand_ins//:rules.bzl", _rule = "{rule}")\n'
            f"{rule} = _rule\n"
        )
    shutil.copytree(_STAND_INS, stand_ins / "stand_ins")
    (stand_ins / "stand_ins" / "WORKSPACE").touch()
    (stand_ins / "stand_ins" / "BUILD").touch()
    for name in _packages():
        folder = stand_ins / "pip" / name
        folder.mkdir(parents=True)
        (folder / "BUILD").write_text(
            'load("@stand_ins//:rules.bzl", "py_library")\n'
            f'py_library(name = "{name}", visibility = '
            '["//visibility:public"])\n'
        )
    (stand_ins / "pip" / "WORKSPACE").touch()
    coverage = stand_ins / "remote_coverage_tools"
    coverage.mkdir()
    (coverage / "WORKSPACE").touch()
    (coverage / "BUILD").write_text(
        'filegroup(name = "coverage_report_generator", '
        'visibility = ["//visibility:public"])\n'
    )
    (workspace / "WORKSPACE").write_text(
        "".join(
            f'local_repository(name = "{name}", path = "{stand_ins / name}")\n'
            for name in sorted(path.name for path in stand_ins.iterdir())
        )
    )


def _packages() -> set[str]:
    """The pip hub's names for what the lock holds."""
    lock = (ROOT / "requirements_lock.txt").read_text()
    return {
        re.sub(r"[-.]+", "_", line.partition("==")[0]).lower()
        for line in lock.splitlines()
        if "==" in line
    }


def test_every_target_is_found(bazel):
    found = set(bazel("query", "//...").split())
    wanted = {
        target.label
        for target in read_targets()
        if target.rule not in ("alias", "package_group")
    }
    assert wanted <= found


def test_a_test_runs_with_what_its_target_lists(bazel):
    """And with nothing else of the tree: Bazel shows it its deps alone."""
    bazel(
        "test",
        "--spawn_strategy=local",
        f"--test_env=PATH={Path(sys.executable).parent}:{os.environ['PATH']}",
        "//tests:strokes_test",
    )


def test_every_arrow_is_visible_and_leads_somewhere(bazel):
    """Analysis fails on a label that is missing, or that may not be seen."""
    bazel("build", "--nobuild", "//...")


def test_a_library_is_no_longer_seen_from_below(bazel):
    """The query that shows who may import whom: the model needs no client."""
    below = bazel("query", "deps(//sketcher_tf/model)").split()
    assert "//sketcher_tf/model/recurrent:recurrent" in below
    assert not any("client" in label or "training" in label for label in below)
