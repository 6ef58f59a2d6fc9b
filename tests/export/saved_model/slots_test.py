from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from export.saved_model import slots
from export.saved_model.slots import SlotTable, pack, unpack

CAPACITY = 3


class Content(NamedTuple):
    number: tf.Tensor
    values: tf.Tensor
    flag: tf.Tensor
    nested: tuple


def content(number):
    rng = np.random.default_rng(abs(number))
    return Content(
        tf.constant(number, tf.int64),
        tf.constant(rng.normal(size=(2, 3)), tf.float32),
        tf.constant(number % 2 == 0),
        ((), (tf.constant([number % 7], tf.int32), tf.zeros([1, 0]))),
    )


def bits(structure):
    return [np.asarray(x).tobytes() for x in tf.nest.flatten(structure)]


class Table:
    """The table as calls see it: each one a graph of its own."""

    _names = iter(range(10**6))

    def __init__(self):
        self.slots = SlotTable(
            CAPACITY, content(0), f"test-{next(self._names)}"
        )
        self.put = self._call(self._put)
        self.get = self._call(self._get)
        self.update = self._call(self._update)
        self.free = self._call(self._free)
        self.counts = self._call(lambda owner: self.slots.counts())

    def _call(self, work):
        def call(owner, *given):
            return self.slots.locked(lambda: work(owner, *given), after=given)

        function = tf.function(call, autograph=False)
        return lambda owner, *given: tf.nest.map_structure(
            lambda x: x.numpy(), function(tf.constant(owner, tf.int64), *given)
        )

    def _put(self, owner, given):
        with tf.control_dependencies([self.slots.put(owner, given)]):
            return tf.constant(True)

    def _get(self, owner):
        slot, found = self.slots.find(owner)
        return found, self.slots.read(slot)

    def _update(self, owner, given):
        slot, found = self.slots.find(owner)
        with tf.control_dependencies([self.slots.update(slot, given)]):
            return tf.identity(found)

    def _free(self, owner):
        slot, found = self.slots.find(owner)
        with tf.control_dependencies([self.slots.free(slot)]):
            return tf.identity(found)

    def owners(self, among):
        return [owner for owner in among if self.get(owner)[0]]


@pytest.fixture
def table():
    return Table()


def test_packing_keeps_every_bit():
    specials = tf.constant(
        [np.nan, np.inf, -0.0, 1e-45, 3.4e38, -1.5], tf.float32
    )
    numbers = tf.constant([2**63 - 1, -(2**63), -1], tf.int64)
    given = (specials, (numbers, tf.constant(True)), content(5))
    specs = tf.nest.map_structure(
        lambda x: tf.TensorSpec(x.shape, x.dtype), given
    )
    row = pack(given)
    assert row.dtype == tf.int32 and row.shape.rank == 1
    assert bits(unpack(row, specs)) == bits(given)


def test_what_is_put_is_found_until_it_is_freed(table):
    assert table.owners(range(-2, 9)) == []
    for owner in (0, -2, 8):  # 0 is what an empty slot says
        table.put(owner, content(owner))
    for owner in (0, -2, 8):
        found, stored = table.get(owner)
        assert found and bits(stored) == bits(content(owner))
    table.update(-2, content(5))
    assert bits(table.get(-2)[1]) == bits(content(5))
    assert bits(table.get(8)[1]) == bits(content(8))
    assert table.free(-2)
    assert table.owners(range(-2, 9)) == [0, 8]
    assert table.counts(0) == (2, 3, 0)


def test_the_least_recently_used_gives_way(table):
    for owner in (1, 2, 3):
        table.put(owner, content(owner))
    table.update(1, content(10))
    table.put(4, content(4))  # in place of 2
    assert table.owners(range(9)) == [1, 3, 4]
    table.put(5, content(5))  # in place of 3
    assert table.owners(range(9)) == [1, 4, 5]
    assert table.counts(0) == (3, 5, 2)
    table.free(4)
    table.put(6, content(6))  # there is room
    assert table.owners(range(9)) == [1, 5, 6]
    table.put(1, content(1))  # is there already
    assert table.owners(range(9)) == [1, 5, 6]
    assert bits(table.get(1)[1]) == bits(content(1))
    assert table.counts(0) == (3, 7, 2)


# --- Calls that are cut off -------------------------------------------------


def cut_at(monkeypatch, number):
    """From here on graphs fail at the write of that number, from 0."""
    made = iter(range(10**6))

    def failing(write):
        def fail_or_write(*args):
            stop = tf.debugging.Assert(next(made) != number, ["cut"])
            with tf.control_dependencies([stop]):
                return write(*args)

        return fail_or_write

    monkeypatch.setattr(slots, "_set", failing(slots._set))
    monkeypatch.setattr(slots, "_add", failing(slots._add))


def after_a_cut(table, number, name, owner):
    """What is stored for `owner` after its call was cut: old, new or lost."""
    for each in (1, 2, 3):
        table.put(each, content(each))
    with pytest.MonkeyPatch.context() as monkeypatch:
        cut_at(monkeypatch, number)
        call = table._call(getattr(table, f"_{name}"))
        try:
            call(owner, content(9))
        except tf.errors.InvalidArgumentError as error:
            assert "cut" in str(error)
    kept = table.owners((1, 2, 3))
    assert len(kept) >= 2
    for each in set(kept) - {owner}:
        assert bits(table.get(each)[1]) == bits(content(each))
    found, stored = table.get(owner)
    names = {str(bits(content(9))): "new", str(bits(content(owner))): "old"}
    return names[str(bits(stored))] if found else "lost"


def test_a_cut_leaves_a_slot_old_new_or_lost(table):
    outcomes = [after_a_cut(table, n, "put", 1) for n in range(8)]
    assert outcomes == ["old", *6 * ["lost"], "new"]
    outcomes = [after_a_cut(table, n, "put", 4) for n in range(8)]
    assert outcomes == [*7 * ["lost"], "new"]
    outcomes = [after_a_cut(table, n, "update", 1) for n in range(4)]
    assert outcomes == ["old", "new", "new", "new"]


def test_calls_at_once_do_not_lose_updates(table):
    """Each adds 1 to a number that it has read: without a lock, some vanish."""
    table.put(1, content(0))

    def add(owner):
        slot, _ = table.slots.find(owner)
        old = table.slots.read(slot)
        one = tf.while_loop(  # takes a while
            lambda n: n < 3000, lambda n: [n + 1], [tf.zeros_like(old.number)]
        )[0]
        new = old._replace(number=old.number + one - 2999)
        with tf.control_dependencies([table.slots.update(slot, new)]):
            return tf.identity(new.number)

    call = table._call(add)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: call(1), range(200)))
    assert sorted(numbers) == list(range(1, 201))
