"""The reader of imports that the tests of structure rely on."""

import pytest

from tests.testing.source_imports import (
    distribution_of,
    imports_of,
    read_sources,
)

_SOURCES = {
    "sketcher_tf/__init__.py": "",
    "sketcher_tf/strokes.py": "a = 1\ndef g(): ...",
    "sketcher_tf/data/__init__.py": "",
    "sketcher_tf/data/schema.py": "class f: ...",
    "sketcher_tf/lazy.py": "HOMES = {'b': 1}\ndef __getattr__(name): ...",
    "tests/fakes.py": "",
}


def test_imports_name_files_that_exist():
    sources = read_sources()
    unknown = {path: imports_of(path, sources).unknown for path in sources}
    assert not {path: names for path, names in unknown.items() if names}


@pytest.mark.parametrize(
    ("source", "files", "packages", "unknown"),
    [
        ("import os, numpy.linalg", set(), {"numpy"}, set()),
        ("from . import strokes", {"sketcher_tf/strokes.py"}, set(), set()),
        ("from .strokes import a", {"sketcher_tf/strokes.py"}, set(), set()),
        ("import sketcher_tf", {"sketcher_tf/__init__.py"}, set(), set()),
        ("from google.protobuf import a", set(), {"google.protobuf"}, set()),
        ("import sketcher_tf.x", set(), set(), {"sketcher_tf.x"}),
        (
            "from sketcher_tf import x",
            {"sketcher_tf/__init__.py"},
            set(),
            {"sketcher_tf.x"},
        ),
        (
            "from .strokes import a, b",
            {"sketcher_tf/strokes.py"},
            set(),
            {"sketcher_tf.strokes.b"},
        ),
        (
            "from .lazy import b, c",
            {"sketcher_tf/lazy.py"},
            set(),
            {"sketcher_tf.lazy.c"},
        ),
        (
            "try:\n    import torch\nexcept ImportError:\n    torch = None",
            set(),
            set(),
            set(),
        ),
    ],
)
def test_imports_are_read(source, files, packages, unknown):
    path = "sketcher_tf/model.py"
    assert imports_of(path, {**_SOURCES, path: source}) == (
        files,
        packages,
        unknown,
    )


@pytest.mark.parametrize(
    ("path", "source", "file"),
    [
        ("tests/a_test.py", "import fakes", "tests/fakes.py"),
        ("tests/a_test.py", "from tests import fakes", "tests/fakes.py"),
        (
            "sketcher_tf/data/svg.py",
            "def f():\n    from ..strokes import g",
            "sketcher_tf/strokes.py",
        ),
        (
            "sketcher_tf/data/svg.py",
            "from . import schema",
            "sketcher_tf/data/schema.py",
        ),
        (
            "sketcher_tf/data/__init__.py",
            "from .schema import f",
            "sketcher_tf/data/schema.py",
        ),
    ],
)
def test_imports_lead_to_files(path, source, file):
    imports = imports_of(path, {**_SOURCES, path: source})
    assert imports == ({file}, set(), set())


def test_names_in_the_requirements():
    assert distribution_of("PIL") == "pillow"
    assert distribution_of("google.protobuf") == "protobuf"
    assert distribution_of("some_package") == "some-package"
