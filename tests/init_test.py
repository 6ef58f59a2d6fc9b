"""The names of the package itself."""

import re

import pytest

import sketcher_tf
from tests.testing.source_imports import ROOT


def test_names_come_when_they_are_asked_for():
    assert set(sketcher_tf.__all__) <= set(dir(sketcher_tf))
    for name in sketcher_tf.__all__:
        assert getattr(sketcher_tf, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Skecher'"):
        getattr(sketcher_tf, "Skecher")  # noqa: B009


def test_type_checkers_see_the_same_names():
    stub = (ROOT / "sketcher_tf" / "__init__.pyi").read_text()
    assert set(re.findall(r" as (\w+)", stub)) == set(sketcher_tf.__all__)
