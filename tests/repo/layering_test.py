"""Who may import whom, read off the sources.

A new module belongs to the part with the longest matching name; a part that
is missing here has no rights and fails with a message that says so.
"""

import graphlib
import subprocess
import sys

import pytest

from tests.testing.source_imports import (
    ROOT,
    imports_of,
    module_of,
    read_sources,
)

_FOUNDATION = tuple(
    f"sketcher_tf.{name}"
    for name in ("strokes", "configs", "schema", "files", "contract")
)
# What is drawn and what is asked of a model, for clients too.
_LIGHT = (
    *_FOUNDATION,
    "sketcher_tf.rendering",
    "sketcher_tf.sketches",
    "sketcher_tf.request",
)
_DATA = ("sketcher_tf.data", "sketcher_tf.data.formats")
_LIBRARY = (
    *_LIGHT,
    *_DATA,
    "sketcher_tf.batch",
    "sketcher_tf.model",
    "sketcher_tf.drawing",
    "sketcher_tf.training",
    "sketcher_tf.sketcher",
)
_WIRE = "sketcher_tf.wire"  # what client and server say to each other
_CLIENT = (_WIRE, "sketcher_tf.client", "sketcher_tf.client.cli")
_COMMANDS = tuple(
    f"sketcher_tf.{name}"
    for name in ("train", "generate", "evaluate", "prepare")
)
# What verifies an export in a process that knows nothing of the model.
_STRANGERS = ("export.saved_model.replay", "export.saved_model.warmup")
_EVERYTHING = (
    *_LIBRARY,
    *_CLIENT,
    "sketcher_tf.cli",
    "sketcher_tf.evaluation",
    "sketcher_tf.import_model",
    *_COMMANDS,
    *_STRANGERS,
    "export",
    "serving",
    "serving.gateway",
    "serving.proto",
)

# Part -> the parts it may import; within a part everything goes.
MAY_IMPORT = {
    "sketcher_tf": (),
    **{part: () for part in _FOUNDATION},
    "sketcher_tf.cli": (*_LIGHT, "sketcher_tf.data.formats"),
    "sketcher_tf.batch": _FOUNDATION,
    "sketcher_tf.request": (*_FOUNDATION, "sketcher_tf.sketches"),
    "sketcher_tf.rendering": ("sketcher_tf.strokes", "sketcher_tf.files"),
    "sketcher_tf.sketches": ("sketcher_tf.strokes", "sketcher_tf.rendering"),
    "sketcher_tf.data.formats": _LIGHT,
    "sketcher_tf.data": (
        *_LIGHT,
        "sketcher_tf.data.formats",
        "sketcher_tf.batch",
    ),
    "sketcher_tf.model": (
        *_FOUNDATION,
        "sketcher_tf.batch",
        "sketcher_tf.request",
    ),
    "sketcher_tf.drawing": (
        *_FOUNDATION,
        "sketcher_tf.batch",
        "sketcher_tf.model",
        "sketcher_tf.request",
    ),
    "sketcher_tf.training": _LIBRARY,
    "sketcher_tf.sketcher": _LIBRARY,
    "sketcher_tf.evaluation": _LIBRARY,
    "sketcher_tf.import_model": (*_LIBRARY, "sketcher_tf.cli"),
    **{
        part: (*_LIBRARY, "sketcher_tf.cli", "sketcher_tf.evaluation")
        for part in _COMMANDS
    },
    _WIRE: (),
    "sketcher_tf.client": (*_LIGHT, _WIRE),
    # The command also reads drawings from files.
    "sketcher_tf.client.cli": (
        *_LIGHT,
        "sketcher_tf.cli",
        "sketcher_tf.client",
        "sketcher_tf.data.formats",
    ),
    # In front of strangers: the client, and what draws pictures.
    "serving.proto": (),
    "serving.gateway": (
        *_LIGHT,
        *_CLIENT,
        "sketcher_tf.cli",
        "serving.proto",
        "sketcher_tf",
    ),
    "serving": ("serving.gateway", *_LIGHT, *_CLIENT, "sketcher_tf.cli"),
    "export": (*_LIBRARY, *_STRANGERS, "sketcher_tf.cli"),
    **{part: (*_STRANGERS, "sketcher_tf.contract") for part in _STRANGERS},
    "benchmarks": _EVERYTHING,
    "tests": (*_EVERYTHING, "benchmarks"),
}

# Part -> packages from elsewhere that would make it too heavy.
NEVER_LOADS = {
    "sketcher_tf.model": {"grpc", "tensorflow_serving"},
    "sketcher_tf.training": {"grpc", "tensorflow_serving"},
    "sketcher_tf.evaluation": {"grpc", "tensorflow_serving"},
    **{part: {"keras", "tensorflow"} for part in (*_LIGHT, *_CLIENT)},
    "sketcher_tf.data.formats": {"keras", "tensorflow"},
    "sketcher_tf.cli": {"keras", "tensorflow"},
    "serving": {"keras"},
    "serving.gateway": {"keras", "tensorflow", "tensorflow_serving"},
    **{part: {"keras"} for part in _STRANGERS},
}

# Reading drawings must start fast and work without TensorFlow, and so must the
# client: TensorFlow is the server's.
_WITHOUT_TENSORFLOW = (
    *_LIGHT,
    *_CLIENT,
    "sketcher_tf.cli",
    "sketcher_tf.data.formats",
    "sketcher_tf.data.synthetic",
    "sketcher_tf.data.download",
    "sketcher_tf.data.manifest",
    "sketcher_tf.data.prepare",
    "sketcher_tf.data.sources",
    "sketcher_tf.prepare",
    "serving.client",
    "serving.tls",
    "serving.proto",
    "serving.gateway",
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
            if part_of(imported) not in (
                part,
                "sketcher_tf",
                *MAY_IMPORT[part],
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


def cycle(sources) -> list[str]:
    """The files of one import cycle, or an empty list."""
    graph = {path: imports_of(path, sources).files for path in sources}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def _modules_without_tensorflow() -> list[str]:
    return [
        module
        for module in map(module_of, read_sources())
        if any(_is_within(module, package) for package in _WITHOUT_TENSORFLOW)
    ]


def test_the_projects_imports_follow_the_layers():
    wrong = wrong_arrows(read_sources())
    assert not wrong, "\n".join(wrong)


def test_no_import_cycles():
    files = cycle(read_sources())
    assert not files, " -> ".join(files)


# One after the other, up to the one that has loaded what it should not.
_LOAD = """
import importlib, sys
package, *modules = sys.argv[1:]
for module in modules:
    importlib.import_module(module)
    if package in sys.modules:
        print(module)
        break
"""


def who_loads(package, modules) -> str:
    """The first module that does, in a process that loads them; "" if none."""
    process = subprocess.run(
        [sys.executable, "-c", _LOAD, package, *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def test_light_modules_load_without_tensorflow():
    assert len(_modules_without_tensorflow()) > 50
    assert not who_loads("tensorflow", _modules_without_tensorflow())


def test_who_loads_a_package_is_told():
    channel = "sketcher_tf.client.channel"
    modules = "sketcher_tf.strokes", channel, "sketcher_tf.files"
    assert who_loads("grpc", modules) == channel


@pytest.mark.parametrize(
    ("path", "source", "told"),
    [
        (
            "sketcher_tf/strokes.py",
            "import sketcher_tf.model.lstm",
            "strokes may import only nothing",
        ),
        (
            "sketcher_tf/data/pipeline.py",
            "def f():\n    from ..model import lstm",
            "imports sketcher_tf.model.lstm",
        ),
        (
            "sketcher_tf/model/lstm.py",
            "from sketcher_tf.data import records",
            "imports sketcher_tf.data.records",
        ),
        (
            "sketcher_tf/client/calls.py",
            "import sketcher_tf.model.lstm",
            "client may",
        ),
        ("sketcher_tf/client/calls.py", "import keras", "must not load"),
        ("serving/server.py", "from export import tflite", "export.tflite"),
        ("export/tflite.py", "from serving import client", "serving.client"),
        (
            "sketcher_tf/rendering/svg.py",
            "import tensorflow as tf",
            "tensorflow",
        ),
        ("sketcher_tf/training/loop.py", "import grpc", "grpc"),
        ("sketcher_tf/news.py", "", "no place in MAY_IMPORT"),
        ("tools/news.py", "", "no place in MAY_IMPORT"),
    ],
)
def test_a_wrong_arrow_is_told(path, source, told):
    sources = {
        "sketcher_tf/__init__.py": "",
        "sketcher_tf/data/records.py": "",
        "sketcher_tf/model/lstm.py": "",
        "export/tflite.py": "",
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
            "sketcher_tf/contract.py": "",
            "sketcher_tf/schema.py": "import sketcher_tf",
            "sketcher_tf/data/records.py": "from sketcher_tf import schema",
            "sketcher_tf/train.py": "from sketcher_tf.data import records",
            "sketcher_tf/client/calls.py": (
                "import grpc\nfrom sketcher_tf import contract"
            ),
            "serving/client.py": "import sketcher_tf.client.calls",
            "export/tflite.py": "import keras\nimport sketcher_tf.contract",
            "tests/tflite_test.py": "import export.tflite, serving.client",
        }
    )


def test_a_cycle_is_told():
    sources = {
        "sketcher_tf/data/a.py": "from sketcher_tf.data import b",
        "sketcher_tf/data/b.py": "from .a import thing",
    }
    assert set(cycle(sources)) == set(sources)
