"""Reads the project's sources: which file imports which, and what else.

Nothing is imported or executed. Imports inside functions count like those at
the top; those guarded by `except ImportError` are optional and do not count.
"""

import ast
import functools
import pathlib
import re
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
FOLDERS = ("sketcher_tf", "export", "serving", "benchmarks", "tests")

# Import name -> name in the requirements, where the two differ.
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "absl": "absl-py",
    "google.protobuf": "protobuf",
    "google.rpc": "googleapis-common-protos",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "opentelemetry": "opentelemetry-api",
    "protobuf": "protobuf-py",
    "py_mini_racer": "mini-racer",
    "skimage": "scikit-image",
    "xdist": "pytest-xdist",
    "tensorflow_serving": "tensorflow-serving-api",
    "yaml": "pyyaml",
}

Sources = Mapping[str, str]  # path below the root, with slashes -> text


class Imports(NamedTuple):
    """What one file imports."""

    files: frozenset[str]  # the project's own, as paths
    packages: frozenset[str]  # import names from elsewhere, but not Python's
    unknown: frozenset[str]  # names that the project's modules do not have


def read_sources(root: pathlib.Path = ROOT) -> dict[str, str]:
    """Every Python file of the project."""
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
    }


def module_of(path: str) -> str:
    """The dotted name of the module that a file holds."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def distribution_of(package: str) -> str:
    """The name under which the requirements list an imported package."""
    name = _DISTRIBUTIONS.get(package, package)
    return re.sub(r"[-_.]+", "-", name).lower()


def imports_of(path: str, sources: Sources) -> Imports:
    """What the file at `path` imports, sorted by where it comes from."""
    files, packages, unknown = set(), set(), set()
    for candidates in _imported_names(path, sources[path]):
        file = _first_file(path, candidates, sources)
        top, _, rest = candidates[-1].partition(".")
        if file is not None:
            files.add(file)
            name = candidates[0]
            if _first_file(path, [name], sources) is None and not _offers(
                sources[file], name.rpartition(".")[2]
            ):
                unknown.add(name)
        elif top in FOLDERS:
            unknown.add(candidates[-1])
        elif top == "google":  # shared by several packages
            packages.add(f"google.{rest.partition('.')[0]}")
        elif top not in sys.stdlib_module_names:
            packages.add(top)
    files.discard(path)
    return Imports(frozenset(files), frozenset(packages), frozenset(unknown))


def _offers(source: str, name: str) -> bool:
    """Whether a module has that name, or may have it when it is asked."""
    bound = _bound_names(source)
    if name == "*" or name in bound:
        return True
    return "__getattr__" in bound and bool(re.search(rf"\b{name}\b", source))


@functools.cache
def _bound_names(source: str) -> frozenset[str]:
    """All names that a module binds anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case ast.alias():
                names.add((node.asname or node.name).partition(".")[0])
    return frozenset(names)


def _first_file(
    importer: str, names: list[str], sources: Sources
) -> str | None:
    folders = [""]
    if importer.startswith("tests/"):  # pytest puts it on the module path
        folders.append("tests/")
    for name in names:
        stem = name.replace(".", "/")
        for folder in folders:
            for path in (f"{folder}{stem}.py", f"{folder}{stem}/__init__.py"):
                if path in sources:
                    return path
    return None


@functools.cache
def _imported_names(path: str, source: str) -> tuple[list[str], ...]:
    """Per imported name, the modules it may be: the longest first."""
    return tuple(_find_imported_names(path, ast.parse(source, path)))


def _find_imported_names(path: str, tree: ast.AST) -> Iterator[list[str]]:
    optional = _optional_nodes(tree)
    package = module_of(path).split(".")
    if not path.endswith("/__init__.py"):
        package.pop()
    for node in ast.walk(tree):
        if node in optional:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield [alias.name]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            parts = [*(base if node.level else []), node.module or ""]
            module = ".".join(part for part in parts if part)
            for alias in node.names:
                yield [f"{module}.{alias.name}", module]


def _optional_nodes(tree: ast.AST) -> set[ast.AST]:
    return {
        node
        for attempt in ast.walk(tree)
        if isinstance(attempt, ast.Try)
        and any(_catches_import_error(h) for h in attempt.handlers)
        for statement in attempt.body
        for node in ast.walk(statement)
    }


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    caught = ast.unparse(handler.type) if handler.type else ""
    return "ImportError" in caught or "ModuleNotFoundError" in caught
