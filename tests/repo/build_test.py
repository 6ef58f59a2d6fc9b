"""The BUILD files agree with the sources.

Every Python file belongs to one library or one suite of tests, with exactly the
deps that its imports need; `bazel_test` asks Bazel whether they may be seen. A
failure prints what to write.
"""

import graphlib
import re

import pytest

from tests.testing.build_files import (
    Target,
    full_label,
    needed,
    owners,
    read_build,
    read_targets,
)
from tests.testing.source_imports import module_of, read_sources

# What a suite needs besides the imports: pytest itself, and what it loads.
_PYTEST = {"//tests:conftest", "@pip//pytest"}


def problems(targets, sources) -> list[str]:
    """What is wrong with the BUILD files, each with what to write instead."""
    owner = owners(targets)
    messages = [
        f"{path} belongs to no target: add it to the BUILD file beside it."
        for path in sources
        if path not in owner
    ]
    for target in targets:
        if target.rule in ("py_library", "pytest_suite"):
            messages += _missing_files(target, sources)
            messages += _wrong_deps(target, sources, owner)
    return messages + _wrong_binaries(targets, sources)


def _missing_files(target: Target, sources) -> list[str]:
    return [
        f"{target.label} names {src}, which does not exist."
        for src in target.srcs
        if src not in sources
    ]


def _wrong_deps(target: Target, sources, owner) -> list[str]:
    held = target._replace(srcs=[s for s in target.srcs if s in sources])
    wanted = needed(held, sources, owner)
    if target.rule == "pytest_suite":
        wanted |= _PYTEST
        own = f"{target.package}/conftest.py"
        wanted |= {owner[own].label} if own in owner else set()
        fixtures = f"{target.package}/conftest.py"
        wanted |= {owner[fixtures].label} if fixtures in owner else set()
    messages = []
    for label in sorted(wanted - {*target.deps}):
        messages.append(f'{target.label}: add "{label}" to deps.')
    for label in sorted({*target.deps} - wanted):
        messages.append(f'{target.label}: remove "{label}" from deps.')
    return messages


def _wrong_binaries(targets, sources) -> list[str]:
    """Every module with a `main` is a command, except `python -m` helpers."""
    runs = {
        target.attributes["main_module"]
        for target in targets
        if target.rule == "py_binary"
    }
    mains = {
        module_of(path).removesuffix(".__main__")
        for path, text in sources.items()
        if re.search(r"^if __name__ == .__main__.:", text, re.M)
        and not path.startswith(("tests/", "benchmarks/"))
        and path != "export/saved_model/replay.py"  # run by `verify` alone
    }
    return [
        f"Write a py_binary for {module}." for module in sorted(mains - runs)
    ] + [
        f"Remove the py_binary of {module}, which has no main."
        for module in sorted(runs - mains)
    ]


def test_the_build_files_agree_with_the_sources():
    messages = problems(read_targets(), read_sources())
    assert not messages, "\n".join(messages)


def test_targets_do_not_need_each_other_in_a_circle():
    deps = {target.label: target.deps for target in read_targets()}
    graphlib.TopologicalSorter(deps).prepare()


def test_all_suites_are_run_from_the_root():
    targets = read_targets()
    (every,) = (t for t in targets if t.label == "//:test")
    listed = {full_label(t, "") for t in every.attributes["tests"]}
    suites = {t.label for t in targets if t.rule == "pytest_suite"}
    assert listed == suites - {"//tests/repo:repo"}


_SOURCES = {
    "sketcher_tf/__init__.py": "",
    "sketcher_tf/strokes.py": "import numpy",
    "sketcher_tf/train.py": (
        "from sketcher_tf import strokes\n"
        "if __name__ == '__main__':\n    pass\n"
    ),
    "tests/train_test.py": "from sketcher_tf import train",
}
_BUILD = """
py_library(
    name = "sketcher_tf",
    srcs = glob(["*.py"], exclude = ["train.py"]),
    deps = ["@pip//numpy"],
)

py_library(
    name = "train_lib",
    srcs = ["train.py"],
    deps = [":sketcher_tf"],
)

py_binary(
    name = "train",
    main_module = "sketcher_tf.train",
    deps = [":train_lib"],
)
"""
_TESTS = """
pytest_suite(
    name = "tests",
    srcs = glob(["*_test.py"]),
    deps = ["//sketcher_tf:train_lib", "//tests:conftest", "@pip//pytest"],
)
"""


def tree(tmp_path, build: str = _BUILD, tests: str = _TESTS):
    """The targets of a small project with these BUILD files."""
    for name, text in {
        **_SOURCES,
        "sketcher_tf/BUILD": build,
        "tests/BUILD": tests,
        ".bazelignore": ".venv",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return [
        target
        for folder in ("sketcher_tf", "tests")
        for target in read_build(tmp_path / folder / "BUILD", tmp_path)
    ]


def test_right_build_files_are_accepted(tmp_path):
    assert not problems(tree(tmp_path), _SOURCES)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"@pip//numpy"', "", 'add "@pip//numpy"'),
        ('"@pip//numpy"', '"@pip//numpy", "@pip//keras"', 'remove "@pip//k'),
        (
            'deps = [":sketcher_tf"]',
            "deps = []",
            'add "//sketcher_tf:sketcher_tf"',
        ),
        ('["train.py"],\n    deps', '["gone.py"],\n    deps', "gone.py, which"),
        ('["train.py"]),', '["train.py", "strokes.py"]),', "to no target"),
        (
            '"sketcher_tf.train"',
            '"sketcher_tf.strokes"',
            "Write a py_b",
        ),
        (
            '"sketcher_tf.train"',
            '"sketcher_tf.strokes"',
            "Remove the py_b",
        ),
    ],
)
def test_a_wrong_build_file_is_told(tmp_path, old, new, told):
    assert old in _BUILD
    targets = tree(tmp_path, _BUILD.replace(old, new))
    assert told in "\n".join(problems(targets, _SOURCES))


def test_a_suite_without_pytest_is_told(tmp_path):
    targets = tree(tmp_path, tests=_TESTS.replace(', "@pip//pytest"', ""))
    assert problems(targets, _SOURCES) == [
        '//tests:tests: add "@pip//pytest" to deps.'
    ]


def test_the_rest_of_the_tree_is_left_out(tmp_path):
    (tmp_path / ".bazelignore").write_text(".venv\n")
    for folder in (".venv", "sketcher_tf"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "BUILD").write_text(
            f'filegroup(name = "{folder}")'
        )
    assert [t.name for t in read_targets(tmp_path)] == ["sketcher_tf"]
