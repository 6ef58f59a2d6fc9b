"""A bounded table of slots in variables, and a lock, inside of a graph.

Nothing is rolled back when a call is cut off, by its deadline or an assertion:
what it has written stays. So what a slot holds is one row of one variable,
written by one operation, and a slot that changes its owner is free meanwhile.
Then a cut at any place leaves a slot as it was before, as it is after, or free.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

Structure = Any  # tensors in what tf.nest understands


class Counts(NamedTuple):
    """int64 [] each.

    Attributes:
        owners: slots in use.
        opened: slots ever given to an owner.
        evicted: owners that had to make room for another one.
    """

    owners: tf.Tensor
    opened: tf.Tensor
    evicted: tf.Tensor


class SlotTable:
    """Slots for owners, the least recently used of whom give way.

    A table of two slots, its clock counting up with each `put` and `update`:

        put(7, a)     owners [7, 0]  used [1, 0]
        put(9, b)     owners [7, 9]  used [1, 2]
        update(0, c)  owners [7, 9]  used [3, 2]   7 is the most recent now
        put(5, d)     owners [7, 5]  used [3, 4]   9 gave way: evicted 1
        free(0)       owners [7, 5]  used [0, 4]   a slot is free if used is 0

    `put` sets `used` of its slot to 0 first and to the time last, so a call
    that is cut off in between leaves a free slot, and not half of a drawing
    under somebody's name.

    All methods but `locked` are for use in what `locked` runs.

    Args:
        capacity: how many slots there are.
        example: what a slot holds; all shapes definite.
        lock: a name that no other table in a process has.
    """

    def __init__(self, capacity: int, example: Structure, lock: str) -> None:
        self._lock = lock
        self._specs = tf.nest.map_structure(
            lambda x: tf.TensorSpec(x.shape, x.dtype), example
        )
        self._rows = _zeros([capacity, pack(example).shape[0]], tf.int32)
        self._owners = _zeros([capacity], tf.int64)
        self._used = _zeros([capacity], tf.int64)  # when, last; 0: free
        self._clock = _zeros([], tf.int64)
        self._opened = _zeros([], tf.int64)
        self._evicted = _zeros([], tf.int64)
        self.variables = (
            self._rows,
            self._owners,
            self._used,
            self._clock,
            self._opened,
            self._evicted,
        )

    def locked(
        self, work: Callable[[], Structure], after: Structure = ()
    ) -> Structure:
        """What `work` returns, while no other call has the lock.

        Args:
            work: makes the graph; its results depend on all that it writes.
            after: tensors that are computed before, and need no lock.
        """
        with tf.control_dependencies(tf.nest.flatten(after)):
            mutex = tf.raw_ops.MutexV2(container="", shared_name=self._lock)
            lock = tf.raw_ops.MutexLock(mutex=mutex)
        with tf.control_dependencies([lock]):
            results = work()
        with tf.control_dependencies(tf.nest.flatten(results)):
            release = tf.raw_ops.ConsumeMutexLock(mutex_lock=lock)
        with tf.control_dependencies([release]):
            return tf.nest.map_structure(tf.identity, results)

    def find(self, owner: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The slot of `owner`, int64 [], and whether it has one, bool []."""
        own = (self._owners == owner) & (self._used > 0)
        return tf.argmax(own), tf.reduce_any(own)

    def read(self, slot: tf.Tensor) -> Structure:
        """What the slot holds."""
        row = tf.raw_ops.ResourceGather(
            resource=self._rows.handle, indices=slot, dtype=tf.int32
        )
        return unpack(row, self._specs)

    def put(self, owner: tf.Tensor, content: Structure) -> tf.Operation:
        """Gives `owner` a slot: its own, a free one, or the least recent."""
        own, found = self.find(owner)
        used = tf.identity(self._used)
        slot = tf.where(found, own, tf.argmin(used))
        evicts = ~found & (tf.gather(used, slot) > 0)
        return _in_order(
            lambda: _set(self._used, slot, 0),
            lambda: _set(self._rows, slot, pack(content)),
            lambda: _set(self._owners, slot, owner),
            lambda: _add(self._opened, 1),
            lambda: _add(self._evicted, tf.cast(evicts, tf.int64)),
            lambda: _set(self._used, slot, self.now()),
        )

    def update(self, slot: tf.Tensor, content: Structure) -> tf.Operation:
        """Changes what the slot holds, and makes it the most recent one."""
        return _in_order(
            lambda: _set(self._rows, slot, pack(content)),
            lambda: _set(self._used, slot, self.now()),
        )

    def free(self, slot: tf.Tensor) -> tf.Operation:
        """Takes the slot from its owner."""
        return _set(self._used, slot, 0)

    def now(self) -> tf.Tensor:
        """A time that has never been and will never be, int64 [], above 0."""
        with tf.control_dependencies([_add(self._clock, 1)]):
            return self._clock.read_value()

    def counts(self) -> Counts:
        """How full it is."""
        owners = tf.math.count_nonzero(self._used)
        return Counts(
            owners, self._opened.read_value(), self._evicted.read_value()
        )


def pack(content: Structure) -> tf.Tensor:
    """Tensors as one row, int32 [N], bit by bit."""
    rows = [_bits(x) for x in tf.nest.flatten(content)]
    return tf.concat(rows, axis=0)


def unpack(row: tf.Tensor, specs: Structure) -> Structure:
    """Inverse of `pack`, for the `tf.TensorSpec`s of what was packed."""
    flat = tf.nest.flatten(specs)
    words = [spec.shape.num_elements() * _words(spec.dtype) for spec in flat]
    parts = tf.split(row, words)
    return tf.nest.pack_sequence_as(
        specs, [_from_bits(x, y) for x, y in zip(parts, flat, strict=True)]
    )


def _words(dtype: tf.DType) -> int:
    return max(dtype.size // tf.int32.size, 1)


def _bits(value: tf.Tensor) -> tf.Tensor:
    if value.dtype == tf.bool:
        value = tf.cast(value, tf.int32)
    return tf.reshape(tf.bitcast(value, tf.int32), [-1])


def _from_bits(bits: tf.Tensor, spec: tf.TensorSpec) -> tf.Tensor:
    if spec.dtype == tf.bool:
        return tf.reshape(bits > 0, spec.shape)
    wide = [_words(spec.dtype)] if _words(spec.dtype) > 1 else []
    return tf.bitcast(tf.reshape(bits, [*spec.shape, *wide]), spec.dtype)


def _zeros(shape: list[int], dtype: tf.DType) -> tf.Variable:
    return tf.Variable(tf.zeros(shape, dtype), trainable=False)


def _in_order(*writes: Callable[[], tf.Operation]) -> tf.Operation:
    """Makes each write when the one before has been done; returns the last."""
    done: list[tf.Operation] = []
    for write in writes:
        with tf.control_dependencies(done):
            done = [write()]
    return done[0]


def _set(variable: tf.Variable, slot: tf.Tensor, value: Any) -> tf.Operation:
    return tf.raw_ops.ResourceScatterUpdate(
        resource=variable.handle,
        indices=slot,
        updates=tf.cast(value, variable.dtype),
    )


def _add(variable: tf.Variable, value: Any) -> tf.Operation:
    return tf.raw_ops.AssignAddVariableOp(
        resource=variable.handle, value=tf.cast(value, variable.dtype)
    )
