"""Calls that come between a step's reading of its session and its storing."""

import numpy as np
import pytest
import tensorflow as tf

from export.saved_model import sessions
from export.saved_model.live import go_on
from export.saved_model.publish import metadata_of
from export.saved_model.sessions import SessionCalls
from export.saved_model.signatures import trace
from sketcher_tf import contract
from sketcher_tf.contract import Code, code_of
from tests.testing import toys
from tests.testing.exports import caller, make_model

OPEN = {
    "condition": [1, 0],
    "temperature": 1,
    "strokes": np.zeros((0, 5)),
    "latents": [],
}
SEED = [7, 1]  # a long sketch
POINTS = toys.SCHEMA.max_seq_len


class Between:
    """The servable, and a `late_step` that runs `work` in its midst."""

    def __init__(self, monkeypatch):
        model = make_model()
        self.work = lambda: None
        metadata = metadata_of(model, {})
        self.calls = SessionCalls(model, metadata, 2, f"races-{id(self)}")
        self.sizes = metadata.sizes
        self.graphs = {
            name: self._trace(name)
            for name in contract.SKETCHER_SESSION.signatures
        }

        def late(model, session, num_points):
            work = tf.py_function(self._do_work, [], [])
            with tf.control_dependencies([work]):
                session = tf.nest.map_structure(tf.identity, session)
            return go_on(model, session, num_points)

        monkeypatch.setattr(sessions, "go_on", late)
        self.late = self._trace("step")
        monkeypatch.undo()
        self.ask = caller(contract.SKETCHER_SESSION, self._run)

    def _do_work(self):
        self.work()  # what it returns is none of the graph's business

    def _trace(self, name):
        signature = contract.SKETCHER_SESSION.signatures[name]
        return trace(signature, self.sizes, getattr(self.calls, name))

    def _run(self, call, graph=None):
        inputs = {k: tf.constant(v) for k, v in call.inputs.items()}
        outputs = (graph or self.graphs[call.signature])(**inputs)
        return {name: value.numpy() for name, value in outputs.items()}

    def open(self, session=1, seed=SEED):
        return self.ask("open", session_id=session, seed=seed, **OPEN)

    def step(self, number, session=1):
        return self.ask("step", session_id=session, step=number, num_points=3)

    def late_step(self, number, work):
        self.work = work
        ask = caller(
            contract.SKETCHER_SESSION, lambda call: self._run(call, self.late)
        )
        return ask("step", session_id=1, step=number, num_points=3)

    def draw(self, first=0, session=1):
        """The points of all steps from `first` on."""
        steps = [self.step(n, session)["strokes"] for n in range(first, 6)]
        return np.concatenate(steps)


@pytest.fixture(scope="module")
def between():
    with pytest.MonkeyPatch.context() as monkeypatch:
        return Between(monkeypatch)


@pytest.fixture
def whole(between):
    between.open()
    points = between.draw()
    assert len(points) == POINTS
    between.open()
    return points


def refused(between, number, work):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        between.late_step(number, work)
    return code_of(str(error.value))


def test_nothing_between_is_a_step(between, whole):
    for number in range(5):
        answer = between.late_step(number, lambda: None)
        points = whole[3 * number : 3 * number + 3]
        np.testing.assert_array_equal(answer["strokes"], points)


def test_the_same_step_is_taken_once(between, whole):
    answer = between.late_step(0, lambda: between.step(0))
    np.testing.assert_array_equal(answer["strokes"], whole[:3])
    assert answer["length"] == 3
    np.testing.assert_array_equal(between.draw(first=1), whole[3:])


def test_a_repetition_that_is_overtaken_gives_no_other_steps_answer(
    between, whole
):
    def overtake():
        between.step(0)
        between.step(1)

    assert refused(between, 0, overtake) is Code.STEP_GAP
    np.testing.assert_array_equal(between.draw(first=2), whole[6:])


def test_a_session_that_is_closed_stays_closed(between, whole):
    def close():
        assert between.ask("close", session_id=1)["closed"]

    assert refused(between, 0, close) is Code.SESSION_NOT_FOUND
    assert not between.ask("close", session_id=1)["closed"]


def test_a_session_that_is_evicted_leaves_its_slot_alone(between, whole):
    def evict():
        between.open(2)
        between.open(3)

    assert refused(between, 0, evict) is Code.SESSION_NOT_FOUND
    for session in (2, 3):
        points = between.draw(session=session)
        np.testing.assert_array_equal(points, whole)


def test_a_session_that_is_replaced_leaves_the_new_one_alone(between, whole):
    def replace():
        between.open(seed=[7, 3])

    assert refused(between, 0, replace) is Code.SESSION_NOT_FOUND
    points = between.draw()
    between.open(seed=[7, 3])
    np.testing.assert_array_equal(points, between.draw())
    assert len(points) != len(whole) or np.abs(points - whole).max() > 1
