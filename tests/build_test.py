"""BUILD, read as data, agrees with the sources.

BUILD names every Python file once, with exactly the deps its imports need. A
failure prints the target as it should be, ready to be pasted into BUILD. A dep
that no import shows (a module run as a command, say) is marked with a comment
that starts with "# keep".
"""

import ast
import re
from typing import NamedTuple

import pytest
from source_imports import (
    ROOT,
    distribution_of,
    imports_of,
    module_of,
    read_sources,
)

_RULES = ("py_binary", "py_library", "py_test")


class Target(NamedTuple):
    """The attributes of one BUILD target that follow from the sources."""

    rule: str
    name: str
    srcs: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    main_module: str = ""
    deps: tuple[str, ...] = ()


class Written(NamedTuple):
    """A target as it stands in BUILD."""

    target: Target
    others: dict[str, str]  # attributes that are up to the author
    kept: dict[str, str]  # deps marked with "# keep" -> their line


# --- What BUILD should say --------------------------------------------------


def expected_targets(sources) -> dict[str, Target]:
    """One library or test per file, one binary per module with a `main`."""
    targets = {}
    for path in sources:
        target = (_test if _is_test(path) else _library)(path, sources)
        targets[target.name] = target
        if target.rule == "py_library" and _has_main(sources[path]):
            binary = _binary(path)
            targets[binary.name] = binary
    return targets


def _library(path: str, sources) -> Target:
    return Target(
        "py_library", _label(path), (path,), deps=_deps(path, sources)
    )


def _test(path: str, sources) -> Target:
    """Pytest is the main module, so that the tests in the file do run."""
    deps = {*_deps(path, sources), "@pip//pytest"}
    folder = path
    while folder := folder.rpartition("/")[0]:  # pytest loads these itself
        if f"{folder}/conftest.py" in sources:
            deps.add(f":{folder}/conftest")
    return Target(
        "py_test",
        _label(path),
        (path,),
        args=(path,),
        main_module="pytest",
        deps=_sorted(deps),
    )


def _binary(path: str) -> Target:
    module = module_of(path)
    return Target(
        "py_binary",
        module.removeprefix("sketcher_tf.").replace(".", "_"),
        main_module=module,
        deps=(f":{_label(path)}",),
    )


def _deps(path: str, sources) -> tuple[str, ...]:
    imports = imports_of(path, sources)
    deps = {f":{_label(file)}" for file in imports.files}
    deps |= {
        "@pip//" + distribution_of(name).replace("-", "_")
        for name in imports.packages
    }
    package = path.removesuffix("/__init__.py").rpartition("/")[0]
    if f"{package}/__init__.py" in sources:  # runs before the module does
        deps.add(f":{package}")
    return _sorted(deps)


def _label(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__")


def _sorted(deps) -> tuple[str, ...]:
    return tuple(sorted(deps, key=lambda dep: ("@" in dep, dep)))


def _is_test(path: str) -> bool:
    return path.startswith("tests/") and path.endswith("_test.py")


def _has_main(source: str) -> bool:
    return re.search(r"^if __name__ == .__main__.:", source, re.M) is not None


# --- What BUILD says --------------------------------------------------------


def targets_in(build: str) -> list[Written]:
    """The Python targets of a BUILD file."""
    kept_lines = {
        number: line.strip()
        for number, line in enumerate(build.splitlines(), start=1)
        if "# keep" in line
    }
    written = []
    for statement in ast.parse(build, "BUILD").body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func) in _RULES:
            nodes = {word.arg: word.value for word in call.keywords}
            derived = {
                name: _literal(nodes.pop(name), kept_lines)
                for name in Target._fields[1:]
                if name in nodes
            }
            others = {n: _source_of(node) for n, node in nodes.items()}
            span = range(call.lineno, call.end_lineno + 1)
            kept = {
                kept_lines[n].split('"')[1]: kept_lines[n]
                for n in span
                if n in kept_lines
            }
            written.append(
                Written(Target(call.func.id, **derived), others, kept)
            )
    return written


def _literal(node: ast.expr, kept_lines) -> str | tuple[str, ...]:
    if not isinstance(node, ast.List):
        return ast.literal_eval(node)
    return tuple(
        ast.literal_eval(element)
        for element in node.elts
        if element.lineno not in kept_lines
    )


def _source_of(node: ast.expr) -> str:
    return ast.unparse(node).replace("'", '"')


def problems(build: str, sources) -> list[str]:
    """What is wrong with BUILD, each with what to write instead."""
    expected = expected_targets(sources)
    found, messages = {}, []
    for target, others, kept in targets_in(build):
        messages += [
            f'BUILD names "{file}", which does not exist.'
            for file in target.srcs
            if file not in sources
        ]
        if target.name in found:
            messages.append(f'BUILD has "{target.name}" twice.')
        elif target.name not in expected:
            messages.append(
                f'Remove the target "{target.name}" from BUILD: no file '
                "asks for it."
            )
        found[target.name] = target
        wanted = expected.get(target.name, target)
        wanted = wanted._replace(
            deps=tuple(dep for dep in wanted.deps if dep not in kept)
        )
        if target != wanted:
            messages.append(
                f'"{target.name}" differs in {_difference(target, wanted)}. '
                f"Write into BUILD:\n{render(wanted, others, kept)}"
            )
    messages += [
        f'"{target.name}" is missing. Write into BUILD:\n{render(target)}'
        for name, target in expected.items()
        if name not in found
    ]
    return messages


def _difference(target: Target, wanted: Target) -> str:
    differences = []
    for field in Target._fields:
        has, wants = getattr(target, field), getattr(wanted, field)
        if has == wants:
            continue
        if isinstance(wants, str):
            differences.append(f"{field} ({has!r}, not {wants!r})")
        else:
            extra = " ".join(f"-{x}" for x in has if x not in wants)
            missing = " ".join(f"+{x}" for x in wants if x not in has)
            change = f"{extra} {missing}".strip() or "order"
            differences.append(f"{field} ({change})")
    return ", ".join(differences)


def render(
    target: Target,
    others: dict[str, str] | None = None,
    kept: dict[str, str] | None = None,
) -> str:
    """A target as BUILD text, in the attribute order of buildifier."""
    values = {
        name: _render_value(getattr(target, name))
        for name in Target._fields[1:]
        if getattr(target, name)
    }
    values |= others or {}
    if kept:
        deps = [*(f'"{dep}",' for dep in target.deps), *kept.values()]
        deps = [f"        {dep}" for dep in _sorted(deps)]
        values["deps"] = "\n".join(["[", *deps, "    ]"])
    first = ("name", "size", "timeout", "srcs")
    names = [name for name in first if name in values]
    names += sorted(values.keys() - {*first, "deps"})
    names += ["deps"] if "deps" in values else []
    lines = [f"    {name} = {values[name]}," for name in names]
    return "\n".join([f"{target.rule}(", *lines, ")"])


def _render_value(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if len(value) == 1:
        return f'["{value[0]}"]'
    return "\n".join(["[", *(f'        "{v}",' for v in value), "    ]"])


# --- Tests of the project ---------------------------------------------------


def test_build_agrees_with_the_sources():
    messages = problems((ROOT / "BUILD").read_text("utf-8"), read_sources())
    assert not messages, "\n\n".join(messages)


def test_files_beside_the_modules_are_in_build():
    build = (ROOT / "BUILD").read_text("utf-8")
    for path in (ROOT / "sketcher_tf").rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            assert f'"{name}"' in build, (
                f"Add {name} to the data of the target that reads it."
            )


# --- Tests of the checks ----------------------------------------------------

_SOURCES = {
    "sketcher_tf/__init__.py": "",
    "sketcher_tf/strokes.py": "import numpy as np",
    "sketcher_tf/train.py": (
        "import os\n"
        "from absl import app\n"
        "from sketcher_tf import strokes\n"
        "def main():\n    from PIL import Image\n"
        "if __name__ == '__main__':\n    app.run(main)\n"
    ),
    "tests/conftest.py": "",
    "tests/train_test.py": "from sketcher_tf import train",
}
_BUILD = """\
load("@rules_python//python:py_library.bzl", "py_library")

py_library(
    name = "sketcher_tf",
    srcs = ["sketcher_tf/__init__.py"],
)

py_library(
    name = "sketcher_tf/strokes",
    srcs = ["sketcher_tf/strokes.py"],
    deps = [
        ":sketcher_tf",
        "@pip//numpy",
    ],
)

py_library(
    name = "sketcher_tf/train",
    srcs = ["sketcher_tf/train.py"],
    deps = [
        ":sketcher_tf",
        ":sketcher_tf/strokes",
        "@pip//absl_py",
        "@pip//pillow",
    ],
)

py_binary(
    name = "train",
    main_module = "sketcher_tf.train",
    deps = [":sketcher_tf/train"],
)

py_library(
    name = "tests/conftest",
    srcs = ["tests/conftest.py"],
)

py_test(
    name = "tests/train_test",
    size = "small",
    srcs = ["tests/train_test.py"],
    args = ["tests/train_test.py"],
    data = glob(["tests/data/**"]),
    main_module = "pytest",
    deps = [
        ":sketcher_tf/train",
        ":tests/conftest",
        "@pip//pytest",
        "@pip//tensorboard",  # keep: started by the test
    ],
)
"""


def test_a_right_build_file_is_accepted():
    assert not problems(_BUILD, _SOURCES)


def test_rendered_targets_are_what_is_read():
    blocks = [render(*written) for written in targets_in(_BUILD)]
    head, rest = _BUILD.split("\n\n", 1)
    assert head.startswith("load(")
    assert "\n\n".join(blocks) + "\n" == rest


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('        "@pip//pillow",\n', "", "deps (+@pip//pillow)"),
        ('        ":sketcher_tf",\n', "", "deps (+:sketcher_tf)"),
        ('"@pip//numpy"', '"@pip//numpy", "@pip//keras"', "-@pip//keras"),
        ('        ":tests/conftest",\n', "", "deps (+:tests/conftest)"),
        ('main_module = "pytest",', "", "main_module ('', not 'pytest')"),
        ('args = ["tests/train_test.py"],', "", "args (+tests/train_test"),
        ('"train"', '"draw"', 'Remove the target "draw"'),
        ("strokes.py", "stroke.py", 'stroke.py", which does not exist'),
        (
            '["sketcher_tf/strokes.py"]',
            '["sketcher_tf/strokes.py", "sketcher_tf/train.py"]',
            "srcs (-sketcher_tf/train.py)",
        ),
        ('"tests/conftest",', '"train",', '"train" twice'),
    ],
)
def test_a_wrong_target_is_told(old, new, told):
    assert old in _BUILD
    messages = "\n".join(problems(_BUILD.replace(old, new), _SOURCES))
    assert told in messages


def test_a_new_file_is_told_with_its_target():
    sources = {**_SOURCES, "sketcher_tf/losses.py": "import keras"}
    (message,) = problems(_BUILD, sources)
    assert 'name = "sketcher_tf/losses"' in message
    assert '"@pip//keras"' in message
    _, _, target = message.partition("Write into BUILD:\n")
    assert not problems(f"{_BUILD}\n{target}", sources)


def test_a_kept_dep_may_be_imported_too():
    sources = {
        **_SOURCES,
        "tests/train_test.py": "import tensorboard, sketcher_tf.train",
    }
    assert not problems(_BUILD, sources)


def test_a_lost_file_is_told():
    sources = {k: v for k, v in _SOURCES.items() if "conftest" not in k}
    messages = "\n".join(problems(_BUILD, sources))
    assert '"tests/conftest.py", which does not exist' in messages
    assert "deps (-:tests/conftest)" in messages
