"""Sizes that a reader can take in at once."""

import ast
import statistics
from collections import Counter
from pathlib import PurePosixPath

from tests.testing.source_imports import read_sources

LONGEST_FUNCTION = 60  # lines without the docstring
MEDIAN_FUNCTION = 8
LONGEST_FILE = 400
FULLEST_FOLDER = 14

_SOURCES = {
    path: text
    for path, text in read_sources().items()
    if not path.startswith("tests/")
}


def function_sizes(text: str) -> dict[str, int]:
    """Name and line -> lines of code and comments, without the docstring."""
    return {
        f"{node.lineno} {node.name}": node.end_lineno
        - node.lineno
        + 1
        - (ast.get_docstring(node, clean=False) or "").count("\n")
        - (ast.get_docstring(node) is not None)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_are_short():
    sizes = {
        f"{path}:{name}": size
        for path, text in _SOURCES.items()
        for name, size in function_sizes(text).items()
    }
    assert not {k: v for k, v in sizes.items() if v > LONGEST_FUNCTION}
    assert statistics.median(sizes.values()) <= MEDIAN_FUNCTION


def test_files_are_short():
    sizes = {path: text.count("\n") for path, text in _SOURCES.items()}
    assert not {k: v for k, v in sizes.items() if v > LONGEST_FILE}


def test_folders_are_small():
    counts = Counter(str(PurePosixPath(path).parent) for path in _SOURCES)
    assert not {k: v for k, v in counts.items() if v > FULLEST_FOLDER}


def test_a_docstring_does_not_count():
    text = 'def f():\n    """One.\n\n    Two.\n    """\n    return 1\n'
    assert function_sizes(text) == {"1 f": 2}
