"""How tests are dealt out to processes."""

from types import SimpleNamespace

from tests.testing import scheduling
from tests.testing.source_imports import ROOT


def test_the_files_that_begin_early_are_there():
    named = {*scheduling._LONG, *scheduling._WITH, *scheduling._WITH.values()}
    assert not [name for name in named if not (ROOT / name).exists()]


def test_long_files_come_first_and_keep_their_order():
    longest, with_ = scheduling._LONG[0], next(iter(scheduling._WITH))
    names = ["tests/a_test.py::b", f"{with_}::x", "tests/a_test.py::a"]
    names += [f"{longest}::b", f"{longest}::a"]
    items = [SimpleNamespace(nodeid=name) for name in names]
    scheduling.long_files_first(items)
    found = [item.nodeid for item in items]
    assert found == [*names[3:], names[1], names[0], names[2]]
