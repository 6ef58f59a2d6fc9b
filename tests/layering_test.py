"""Who may import whom, read off the sources.

A new module belongs to the part with the longest matching name; a part that
is missing here has no rights and fails with a message that says so.
"""

import graphlib
import subprocess
import sys

import pytest
from source_imports import ROOT, imports_of, module_of, read_sources

_FOUNDATION = (
    "sketcher_tf.strokes",
    "sketcher_tf.configs",
    "sketcher_tf.files",
)
# From sketches to pictures, for clients too: NumPy and Pillow only.
_DRAWING = (
    "sketcher_tf.data.rasterize",
    "sketcher_tf.interpolation",
    "sketcher_tf.layout",
    "sketcher_tf.rendering",
)
_LIBRARY = (
    *_FOUNDATION,
    "sketcher_tf.data",
    "sketcher_tf.layers",
    "sketcher_tf.losses",
    "sketcher_tf.replicated",
    "sketcher_tf.model",
    "sketcher_tf.sampling",
    "sketcher_tf.runs",
    "sketcher_tf.sketcher",
    *_DRAWING,
)
_TRAINING = (
    "sketcher_tf.callbacks",
    "sketcher_tf.distribution",
    "sketcher_tf.fitting",
    "sketcher_tf.image_training",
    "sketcher_tf.training",
)
_COMMANDS = (
    "sketcher_tf.commands",
    "sketcher_tf.train",
    "sketcher_tf.generate",
    "sketcher_tf.evaluate",
    "sketcher_tf.prepare",
)
# What verifies an export in a process that knows nothing of the model.
_STRANGERS = ("export.replay", "export.warmup")
_PRODUCTION = ("export", *_STRANGERS, "serving", "serving.contract")
_EVERYTHING = (
    *_LIBRARY,
    *_TRAINING,
    "sketcher_tf.evaluation",
    *_COMMANDS,
    *_PRODUCTION,
)

# Part -> the parts it may import; within a part everything goes.
MAY_IMPORT = {
    "sketcher_tf": (),  # the package's own __init__.py stays empty
    "sketcher_tf.strokes": (),
    "sketcher_tf.configs": (),
    "sketcher_tf.files": (),
    "sketcher_tf.commands": (),
    "sketcher_tf.data.rasterize": ("sketcher_tf.strokes",),
    "sketcher_tf.interpolation": (),
    "sketcher_tf.layout": ("sketcher_tf.strokes", "sketcher_tf.data.rasterize"),
    "sketcher_tf.rendering": ("sketcher_tf.strokes", *_DRAWING),
    "sketcher_tf.data": (*_FOUNDATION, "sketcher_tf.data.rasterize"),
    "sketcher_tf.layers": _FOUNDATION,
    "sketcher_tf.losses": (*_FOUNDATION, "sketcher_tf.layers"),
    "sketcher_tf.replicated": ("sketcher_tf.layers",),
    "sketcher_tf.model": (
        *_FOUNDATION,
        "sketcher_tf.layers",
        "sketcher_tf.losses",
        "sketcher_tf.replicated",
    ),
    "sketcher_tf.sampling": (
        *_FOUNDATION,
        "sketcher_tf.layers",
        "sketcher_tf.model",
    ),
    "sketcher_tf.runs": (*_FOUNDATION, "sketcher_tf.data"),
    "sketcher_tf.sketcher": _LIBRARY,
    **{part: (*_LIBRARY, *_TRAINING) for part in _TRAINING},
    "sketcher_tf.evaluation": _LIBRARY,
    **{
        part: (*_LIBRARY, *_TRAINING, *_COMMANDS, "sketcher_tf.evaluation")
        for part in _COMMANDS
    },
    "serving": (
        "serving.contract",
        "sketcher_tf.strokes",
        "sketcher_tf.data",
        *_DRAWING,
    ),
    "serving.contract": (),
    "export": (
        *_LIBRARY,
        *_STRANGERS,
        "sketcher_tf.commands",
        "serving.contract",
    ),
    **{part: (*_STRANGERS, "serving.contract") for part in _STRANGERS},
    "benchmarks": _EVERYTHING,
    "tests": (*_EVERYTHING, "benchmarks"),
}

# Single arrows against the grain: (importer, imported) -> the reason.
EXCEPTIONS = {
    ("sketcher_tf.model", "sketcher_tf.data.schema"): (
        "A model carries the words and the scale it was trained with."
    ),
    ("sketcher_tf.model", "sketcher_tf.data.batch"): (
        "The batch is what data hands to training: a type, no reading."
    ),
}

# Part -> packages from elsewhere that would make it too heavy.
NEVER_LOADS = {
    "sketcher_tf": {"grpc", "tensorflow_serving"},
    "sketcher_tf.strokes": {"keras", "tensorflow"},
    "sketcher_tf.configs": {"keras", "tensorflow"},
    **{module: {"keras", "tensorflow"} for module in _DRAWING},
    "serving": {"keras"},
    "serving.contract": {"keras", "tensorflow"},
    **{part: {"keras"} for part in _STRANGERS},
}

# What a program loads that draws on a server; TensorFlow is the server's.
_CLIENT = ("serving.client", "serving.aio", "serving.command")

# Reading drawings must start fast and work without TensorFlow; these modules
# are the ones that store drawings as TFRecords and feed them to training.
_MAY_LOAD_TENSORFLOW = (
    "sketcher_tf.data.batch",
    "sketcher_tf.data.datasets",
    "sketcher_tf.data.pipeline",
    "sketcher_tf.data.records",
    "sketcher_tf.data.transforms",
)


def part_of(module: str) -> str | None:
    """The part a module belongs to: the longest name that leads to it."""
    while module and module not in MAY_IMPORT:
        module = module.rpartition(".")[0]
    return module or None


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def wrong_arrows(sources) -> list[str]:
    """One sentence per import that the tables above do not allow."""
    wrong = []
    for path in sources:
        importer = module_of(path)
        part = part_of(importer)
        if part is None or (
            part == "sketcher_tf" and path != "sketcher_tf/__init__.py"
        ):
            wrong.append(f"{path} has no place in MAY_IMPORT: give it one.")
            continue
        imports = imports_of(path, sources)
        for imported in map(module_of, sorted(imports.files)):
            if imported != "sketcher_tf" and not (
                part_of(imported) in (part, *MAY_IMPORT[part])
                or (importer, imported) in EXCEPTIONS
            ):
                wrong.append(
                    f"{path} imports {imported}; {part} may import only "
                    f"{', '.join(MAY_IMPORT[part]) or 'nothing'}."
                )
        for package, banned in NEVER_LOADS.items():
            if _is_within(importer, package):
                wrong.extend(
                    f"{path} imports {name}, which {package} must not load."
                    for name in sorted(banned & imports.packages)
                )
    return wrong


def unused_exceptions(sources, exceptions) -> list[str]:
    """Exceptions that no import needs any more."""
    arrows = {
        (module_of(path), module_of(file))
        for path in sources
        for file in imports_of(path, sources).files
    }
    return [
        f"{importer} does not import {imported}: remove the exception."
        for importer, imported in exceptions
        if (importer, imported) not in arrows
    ]


def cycle(sources) -> list[str]:
    """The files of one import cycle, or an empty list."""
    graph = {path: imports_of(path, sources).files for path in sources}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def _modules_without_tensorflow() -> list[str]:
    light = (
        *(*_FOUNDATION, *_DRAWING, "sketcher_tf.data"),
        *(*_CLIENT, "serving.contract"),
    )
    return [
        module
        for module in map(module_of, read_sources())
        if any(_is_within(module, package) for package in light)
        and module not in _MAY_LOAD_TENSORFLOW
    ]


def test_the_projects_imports_follow_the_layers():
    wrong = wrong_arrows(read_sources())
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_needed():
    unused = unused_exceptions(read_sources(), EXCEPTIONS)
    assert not unused, "\n".join(unused)


def test_no_import_cycles():
    files = cycle(read_sources())
    assert not files, " -> ".join(files)


@pytest.mark.parametrize("module", _modules_without_tensorflow())
def test_loads_without_tensorflow(module):
    code = f"import {module}, sys; print('tensorflow' in sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout == "False\n", f"{module} loads TensorFlow"


@pytest.mark.parametrize(
    ("path", "source", "told"),
    [
        (
            "sketcher_tf/strokes.py",
            "import sketcher_tf.model",
            "strokes may import only nothing",
        ),
        (
            "sketcher_tf/data/pipeline.py",
            "def f():\n    from ..layers import lstm",
            "imports sketcher_tf.layers.lstm",
        ),
        (
            "sketcher_tf/layers/lstm.py",
            "from sketcher_tf.data import schema",
            "imports sketcher_tf.data.schema",
        ),
        ("serving/client.py", "import sketcher_tf.model", "serving may"),
        ("serving/client.py", "import keras", "serving must not load"),
        ("export/tflite.py", "from serving import client", "serving.client"),
        ("sketcher_tf/rendering.py", "import tensorflow as tf", "tensorflow"),
        ("sketcher_tf/train.py", "import grpc", "grpc"),
        ("sketcher_tf/news.py", "", "no place in MAY_IMPORT"),
        ("tools/news.py", "", "no place in MAY_IMPORT"),
    ],
)
def test_a_wrong_arrow_is_told(path, source, told):
    sources = {
        "sketcher_tf/__init__.py": "",
        "sketcher_tf/data/schema.py": "",
        "sketcher_tf/layers/lstm.py": "",
        "sketcher_tf/model.py": "",
        "serving/client.py": "",
        path: source,
    }
    (sentence,) = wrong_arrows(sources)
    assert path in sentence
    assert told in sentence


def test_allowed_arrows_are_silent():
    assert not wrong_arrows(
        {
            "sketcher_tf/__init__.py": "",
            "sketcher_tf/strokes.py": "import numpy as np",
            "sketcher_tf/data/schema.py": "import sketcher_tf",
            "sketcher_tf/data/ndjson.py": "from . import schema",
            "sketcher_tf/train.py": "from sketcher_tf.data import ndjson",
            "serving/contract.py": "",
            "serving/client.py": "import grpc\nfrom serving import contract",
            "export/tflite.py": "import keras\nimport serving.contract",
            "tests/tflite_test.py": "import export.tflite, serving.contract",
        }
    )


def test_an_unneeded_exception_is_told():
    arrow = ("sketcher_tf.model", "sketcher_tf.data.schema")
    sources = {
        "sketcher_tf/model.py": "",
        "sketcher_tf/data/schema.py": "",
    }
    (sentence,) = unused_exceptions(sources, {arrow: "a reason"})
    assert "remove the exception" in sentence
    sources["sketcher_tf/model.py"] = "import sketcher_tf.data.schema"
    assert not unused_exceptions(sources, {arrow: "a reason"})


def test_a_cycle_is_told():
    sources = {
        "sketcher_tf/data/a.py": "from sketcher_tf.data import b",
        "sketcher_tf/data/b.py": "from .a import thing",
    }
    assert set(cycle(sources)) == set(sources)
