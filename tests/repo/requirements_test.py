"""What is imported is required, and the lock agrees with the requirements."""

import importlib.metadata
import itertools
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.testing.source_imports import (
    ROOT,
    distribution_of,
    imports_of,
    read_sources,
)

_LOCKED_FOR = {
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "extra": "",
}


def pins(text: str) -> dict[str, str]:
    """Canonical name -> version in a requirements file; all are pinned."""
    found = {}
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line and not line.startswith("-r "):
            pin = re.fullmatch(r"([\w.-]+)==([\w.+-]+)", line)
            if pin is None:
                raise ValueError(f"{line!r} is not pinned with ==")
            found[canonicalize_name(pin[1])] = pin[2]
    return found


def unlisted_packages(sources, runtime, development) -> list[str]:
    """Imports of packages that the requirements do not name themselves."""
    messages = []
    for path in sources:
        shipped = not path.startswith(("tests/", "benchmarks/"))
        listed = runtime if shipped else {*runtime, *development}
        where = "requirements.txt" if shipped else "requirements-dev.txt"
        messages += [
            f"{path} imports {name}: add {distribution_of(name)} to {where}."
            for name in sorted(imports_of(path, sources).packages)
            if distribution_of(name) not in listed
        ]
    return messages


def unmet(requires, lock) -> list[str]:
    """Those of a package's requirements that the lock does not satisfy."""
    return [
        f"{requirement}, but locked is {lock.get(requirement.name)}"
        for requirement in map(Requirement, requires)
        if requirement.marker is None
        or requirement.marker.evaluate(_LOCKED_FOR)
        if (version := lock.get(canonicalize_name(requirement.name))) is None
        or version not in requirement.specifier
    ]


def out_of_step(project, pins, optional=()) -> list[str]:
    """What pyproject.toml and the pins of requirements.txt disagree on.

    Args:
        project: the table of that name.
        pins: canonical name -> version.
        optional: packages that a clone does without.
    """
    texts = [*project["dependencies"]]
    texts += itertools.chain(*project["optional-dependencies"].values())
    ranges = {
        canonicalize_name(requirement.name): requirement.specifier
        for requirement in map(Requirement, texts)
        if requirement.name != project["name"]
    }
    required = ranges.keys() - set(optional)
    return [
        *(f"{name} is pinned only" for name in pins.keys() - required),
        *(f"{name} is not pinned" for name in required - pins.keys()),
        *(
            f"{name}{ranges[name]}, but pinned is {pins[name]}"
            for name in required & pins.keys()
            if pins[name] not in ranges[name]
        ),
    ]


def _read_pins(name: str) -> dict[str, str]:
    return pins((ROOT / name).read_text("utf-8"))


def test_imported_packages_are_required():
    messages = unlisted_packages(
        read_sources(),
        _read_pins("requirements.txt") | _read_pins("requirements-beam.txt"),
        _read_pins("requirements-dev.txt"),
    )
    assert not messages, "\n".join(messages)


def test_the_package_admits_what_is_pinned():
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    pins = _read_pins("requirements.txt") | _read_pins("requirements-beam.txt")
    messages = out_of_step(project, pins, optional=["huggingface-hub"])
    assert not messages, "\n".join(messages)


@pytest.mark.parametrize(
    "name",
    ["requirements.txt", "requirements-beam.txt", "requirements-dev.txt"],
)
def test_the_lock_agrees_with_the_requirements(name):
    lock = _read_pins("requirements_lock.txt")
    stale = _read_pins(name).items() - lock.items()
    assert not stale, f"not in requirements_lock.txt, run `make lock`: {stale}"


def test_the_lock_holds_what_its_packages_require():
    """Bazel installs the lock's packages one by one, and nothing else."""
    lock = _read_pins("requirements_lock.txt")
    for name in lock:
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # under Bazel, where only a test's own deps are present
        missing = unmet(requires, lock)
        assert not missing, f"{name} requires {missing}; run `make lock`"


def test_pins_are_read():
    text = "# why\n-r other.txt\n\nGoogle_Pasta==0.2.0  # why\nkeras==3.15.0"
    assert pins(text) == {"google-pasta": "0.2.0", "keras": "3.15.0"}


@pytest.mark.parametrize("line", ["keras", "keras>=3", "keras==3.*"])
def test_what_is_not_pinned_is_told(line):
    with pytest.raises(ValueError, match="not pinned"):
        pins(line)


@pytest.mark.parametrize(
    ("requires", "count"),
    [
        (["numpy"], 0),
        (["numpy>=2,<3"], 0),
        (["NumPy<2"], 1),
        (["absent"], 1),
        (["absent; python_version < '3.11'", "numpy; extra == 'all'"], 0),
        (["absent; python_version >= '3.11'", "absent; extra == 'all'"], 1),
    ],
)
def test_what_the_lock_lacks_is_told(requires, count):
    assert len(unmet(requires, {"numpy": "2.4.6"})) == count


@pytest.mark.parametrize(
    ("pins", "told"),
    [
        ({"numpy": "2.1", "rich": "13.0"}, []),
        ({"numpy": "2.1"}, ["rich is not pinned"]),
        ({"numpy": "1.9", "rich": "13"}, ["numpy>=2, but pinned is 1.9"]),
        ({"numpy": "2", "rich": "13", "six": "1"}, ["six is pinned only"]),
    ],
)
def test_a_range_that_a_pin_leaves_is_told(pins, told):
    project = {
        "name": "us",
        "dependencies": ["numpy>=2"],
        "optional-dependencies": {"tf": ["rich<14"], "all": ["us[tf]", "hub"]},
    }
    assert out_of_step(project, pins, optional=["hub"]) == told


def test_an_unlisted_package_is_told():
    sources = {
        "sketcher_tf/strokes.py": "import numpy, hypothesis",
        "tests/strokes_test.py": "import hypothesis, scipy",
    }
    messages = unlisted_packages(sources, {"numpy": "1"}, {"hypothesis": "1"})
    assert messages == [
        "sketcher_tf/strokes.py imports hypothesis: add hypothesis to "
        "requirements.txt.",
        "tests/strokes_test.py imports scipy: add scipy to "
        "requirements-dev.txt.",
    ]
