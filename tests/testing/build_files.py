"""Reads the BUILD files: which target holds which files, and what it needs.

A BUILD file is a small program in a language that Python contains, so it is
run as Python, with rules that write down what they are given.
"""

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.testing.source_imports import (
    ROOT,
    Sources,
    distribution_of,
    imports_of,
)

_RULES = (
    "alias",
    "filegroup",
    "package_group",
    "py_binary",
    "py_library",
    "pytest_suite",
    "test_suite",
)


class Target(NamedTuple):
    """What one rule of a BUILD file says."""

    package: str  # the folder, with slashes; "" is the root
    rule: str
    name: str
    srcs: tuple[str, ...]  # paths below the root
    deps: tuple[str, ...]  # labels in full, //package:name or @pip//name
    attributes: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The target's name in full."""
        return f"//{self.package}:{self.name}"


def read_targets(root: Path = ROOT) -> list[Target]:
    """All targets of all BUILD files."""
    ignored = (root / ".bazelignore").read_text().split()
    files = sorted(
        path
        for path in root.rglob("BUILD")
        if not set(path.relative_to(root).parts) & {*ignored, "build"}
    )
    return [target for path in files for target in read_build(path, root)]


def read_build(path: Path, root: Path = ROOT) -> list[Target]:
    """The targets of one BUILD file."""
    package = path.parent.relative_to(root).as_posix().removeprefix(".")
    targets: list[Target] = []

    def rule(kind: str) -> Callable[..., None]:
        def record(
            name: str,
            srcs: Sequence[str] = (),
            deps: Sequence[str] = (),
            **attributes: object,
        ) -> None:
            targets.append(
                Target(
                    package,
                    kind,
                    name,
                    tuple(f"{package}/{src}".lstrip("/") for src in srcs),
                    tuple(full_label(dep, package) for dep in deps),
                    attributes,
                )
            )

        return record

    names = {kind: rule(kind) for kind in _RULES} | {
        "glob": lambda include, exclude=(): _glob(
            path.parent, include, exclude
        ),
        "load": lambda *_: None,
        "exports_files": lambda *_: None,
    }
    exec(compile(path.read_text(), str(path), "exec"), names)
    return targets


def full_label(label: str, package: str) -> str:
    """`label` as written in the BUILD file of `package`, in full."""
    if label.startswith(":"):
        return f"//{package}{label}"
    if label.startswith("//") and ":" not in label:
        return f"{label}:{label.rpartition('/')[2]}"
    return label


def _glob(
    folder: Path, include: Iterable[str], exclude: Iterable[str]
) -> list[str]:
    """The files of this package, not of packages below it."""
    found = []
    for pattern in include:
        for file in sorted(folder.glob(pattern)):
            name = file.relative_to(folder).as_posix()
            below = [p for p in file.relative_to(folder).parents if p.name]
            if (
                file.is_file()
                and not any((folder / p / "BUILD").exists() for p in below)
                and not any(fnmatch.fnmatch(name, e) for e in exclude)
            ):
                found.append(name)
    return found


def owners(targets: Iterable[Target]) -> dict[str, Target]:
    """File -> the library or the tests that hold it."""
    return {
        src: target
        for target in targets
        if target.rule in ("py_library", "pytest_suite")
        for src in target.srcs
    }


def needed(
    target: Target, sources: Sources, owner: Mapping[str, Target]
) -> set[str]:
    """The labels that the imports of the target's files ask for."""
    labels = set()
    for src in target.srcs:
        imports = imports_of(src, sources)
        labels |= {owner[f].label for f in imports.files if f in owner}
        labels |= {
            "@pip//" + distribution_of(name).replace("-", "_")
            for name in imports.packages
        }
    return labels - {target.label}
