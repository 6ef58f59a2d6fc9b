import itertools
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import pytest
import tensorflow as tf

from export.saved_model.expected import session_calls
from export.saved_model.publish import metadata_of
from export.saved_model.replay import LOADERS, loaded_eagerly
from export.saved_model.warmup import read_calls, warmup_file
from sketcher_tf import contract
from sketcher_tf.contract import Code, Metadata, code_of
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import stroke3_to_stroke5
from tests.testing import toys
from tests.testing.exports import CAPACITY, WORD, caller, make_sketcher

SEED, TEMPERATURE, COUNT = 7, 1.0, 64
T = toys.SCHEMA.max_seq_len + 1
Z = toys.MODEL.latent_size + toys.MODEL.image_latent_size
NONE = np.zeros((0, 5))

new_id = itertools.count(1000).__next__


@pytest.fixture(scope="module")
def sketcher():
    return make_sketcher()


@pytest.fixture(scope="module")
def drawn(sketcher):
    """As stroke-5 points, without end tokens, and whether they have an end."""
    return [
        (points_of(sketch), sketch.finished)
        for sketch in sketcher.generate(WORD, COUNT, TEMPERATURE, SEED)
    ]


@pytest.fixture(scope="module")
def folder(published):
    return published / "sketcher_session" / "1"


@pytest.fixture(scope="module", params=LOADERS)
def ask(request, folder):
    with LOADERS[request.param](folder) as run:
        yield caller(contract.SKETCHER_SESSION, run)


def points_of(sketch):
    count = len(sketch.stroke3)
    return stroke3_to_stroke5(sketch.stroke3, count + 1)[:count]


class Drawing:
    """A session as a client has it.

    Args:
        ask: calls the servable.
        k: of the seed pair.
        options: of `open`.
    """

    def __init__(self, ask, k=0, **options):
        self.ask, self.k, self.points = ask, k, NONE
        self.reopen(**options)

    def reopen(self, strokes=None, latents=(), **options):
        self.id, self.number = new_id(), 0
        if strokes is not None:
            self.points = strokes
        self.opened = self.ask(
            "open",
            **{
                "session_id": self.id,
                "condition": [1, 0],
                "seed": [SEED, self.k],
                "temperature": TEMPERATURE,
                "strokes": self.points,
                "latents": latents,
                **options,
            },
        )
        self.latents = self.opened["latents"]
        self.complete = False

    def again(self, num_points=3):
        """The step that is next, without counting it."""
        return self.ask(
            "step",
            session_id=self.id,
            step=self.number,
            num_points=num_points,
        )

    def take(self, answer, num_points):
        self.number += 1
        self.points = np.concatenate([self.points, answer["strokes"]])
        assert answer["length"] == len(self.points)
        self.finished = bool(answer["finished"])
        self.complete = self.finished or len(answer["strokes"]) < num_points

    def step(self, num_points=3):
        assert not self.complete
        self.take(self.again(num_points), num_points)

    def finish(self, num_points=3):
        while not self.complete:
            self.step(num_points)
        return self

    def assert_is(self, drawn):
        points, finished = drawn
        assert self.finished == finished
        assert self.points.shape == points.shape
        np.testing.assert_array_equal(self.points[:, 2:], points[:, 2:])
        # In pixels; rounding grows from point to point.
        np.testing.assert_allclose(self.points, points, atol=2e-3)


def refused(ask, name, **inputs):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        ask(name, **inputs)
    assert "assertion failed: [" in str(error.value)
    return code_of(str(error.value))


def test_draws_point_for_point_what_generate_draws(ask, drawn):
    kinds = set()
    for k, num_points in itertools.product(range(8), (1, 3, 100)):
        drawing = Drawing(ask, k)
        assert drawing.opened["length"] == 0
        drawing.finish(num_points).assert_is(drawn[k])
        kinds.add((drawing.finished, len(drawing.points) == T - 1))
        # There is nothing more to come, however often one asks.
        for _ in range(2):
            answer = drawing.again()
            assert answer["strokes"].shape == (0, 5)
            assert answer["length"] == len(drawing.points)
            assert answer["finished"] == drawing.finished
            drawing.number += 1
    assert kinds == {(True, False), (False, True)}


def test_every_signature_answers_as_python(ask, sketcher):
    text = np.asarray(ask("labels")["metadata"]).item()
    metadata = Metadata.loads(text.decode())
    ours = metadata_of(sketcher.model, metadata.training)
    assert metadata.dumps() == ours.dumps()
    calls = session_calls(sketcher, metadata)
    names = set(contract.SKETCHER_SESSION.signatures)
    assert {call.signature for call in calls} == names
    before = ask("stats")
    for call in calls:
        answer = ask(call.signature, **call.inputs)
        expected = dict(call.outputs)
        if call.signature == "labels":
            assert answer["metadata"] == expected.pop("metadata")
        for name in expected.keys() & before.keys():
            expected[name] += before[name]
        for name, value in expected.items():
            np.testing.assert_allclose(answer[name], value, atol=2e-3)


def test_a_repeated_step_is_answered_again_and_draws_nothing(ask, drawn):
    drawing = Drawing(ask, 1)
    while not drawing.complete:
        first = drawing.again(3)
        for num_points in (3, 1, 50):
            again = drawing.again(num_points)
            for name, value in first.items():
                np.testing.assert_array_equal(again[name], value)
        drawing.take(first, 3)
    drawing.assert_is(drawn[1])


def test_gaps_are_refused_and_leave_the_session_as_it_was(ask, drawn):
    drawing = Drawing(ask, 3)
    for number in (-1, 1, 2, 2**62, -(2**63)):
        step = {"session_id": drawing.id, "step": number, "num_points": 1}
        assert refused(ask, "step", **step) is Code.STEP_GAP
    drawing.step()
    drawing.step()
    for number in (0, 3, -1):  # 0 was answered, but is no longer the last
        step = {"session_id": drawing.id, "step": number, "num_points": 1}
        assert refused(ask, "step", **step) is Code.STEP_GAP
    drawing.finish().assert_is(drawn[3])


def test_what_is_not_open_is_not_found(ask):
    drawing = Drawing(ask)
    drawing.step()
    assert ask("close", session_id=drawing.id)["closed"]
    assert not ask("close", session_id=drawing.id)["closed"]
    for session in (drawing.id, 0, -1, 2**63 - 1):
        step = {"session_id": session, "step": 0, "num_points": 1}
        assert refused(ask, "step", **step) is Code.SESSION_NOT_FOUND


@pytest.mark.parametrize("points", [0, 1, 4, 9, 12])
def test_a_session_is_taken_up_from_its_points(ask, drawn, points):
    drawing = Drawing(ask, 1)
    drawing.reopen(drawn[1][0][:points], drawing.latents)
    assert drawing.opened["length"] == points
    drawing.finish().assert_is(drawn[1])
    # End tokens behind the points say nothing.
    padded = np.tile([0.0, 0, 0, 0, 1], (T, 1))
    padded[:points] = drawn[1][0][:points]
    drawing.reopen(padded, drawing.latents)
    assert drawing.opened["length"] == points
    drawing.points = padded[:points]
    drawing.finish().assert_is(drawn[1])


def test_points_without_latents_are_completed(ask, sketcher, drawn):
    begun = drawn[1][0][:5]
    sketch = Sketch(begun[:, [0, 1, 3]], WORD)
    completions = sketcher.complete(sketch, WORD, 3, TEMPERATURE, SEED)
    for k, expected in enumerate(completions):
        drawing = Drawing(ask, k, strokes=begun)
        drawing.finish().assert_is((points_of(expected), expected.finished))


def test_opening_again_replaces_the_session(ask, drawn):
    drawing = Drawing(ask, 1)
    drawing.step()
    other = Drawing(ask, 3, session_id=drawing.id)
    other.id = drawing.id
    assert other.finish().assert_is(drawn[3]) is None
    assert ask("close", session_id=drawing.id)["closed"]
    assert not ask("close", session_id=drawing.id)["closed"]


def test_the_least_recently_used_session_is_evicted(ask, drawn):
    before = ask("stats")
    assert before["capacity"] == CAPACITY
    oldest, kept = Drawing(ask, 1), Drawing(ask, 3)
    oldest.step()
    kept.step()
    others = [Drawing(ask) for _ in range(CAPACITY - 1)]
    stats = ask("stats")
    assert stats["open"] == CAPACITY
    assert stats["opened"] == before["opened"] + CAPACITY + 1
    assert stats["evicted"] == before["open"] + 1
    step = {"session_id": oldest.id, "step": 1, "num_points": 3}
    assert refused(ask, "step", **step) is Code.SESSION_NOT_FOUND
    kept.again()  # answering counts as use
    Drawing(ask)
    step["session_id"] = others[0].id
    assert refused(ask, "step", **step) is Code.SESSION_NOT_FOUND
    # The evicted one goes on as if nothing had happened.
    oldest.reopen(latents=oldest.latents)
    oldest.finish().assert_is(drawn[1])
    kept.finish().assert_is(drawn[3])


def test_an_instance_has_a_number_and_sessions_of_its_own(folder, drawn):
    numbers, drawing = [], None
    for load in (*LOADERS.values(), loaded_eagerly):
        tf.random.set_seed(1)  # the number must not come from there
        with load(folder) as run:
            ask = caller(contract.SKETCHER_SESSION, run)
            for call in read_calls(warmup_file(folder)):
                run(call)
            stats = ask("stats")  # warming up has changed nothing
            assert stats["open"] == stats["opened"] == stats["evicted"] == 0
            if drawing:  # it is lost with its instance
                step = {"session_id": drawing.id, "step": 1, "num_points": 3}
                assert refused(ask, "step", **step) is Code.SESSION_NOT_FOUND
                drawing.ask = ask
                drawing.reopen(latents=drawing.latents)
            else:
                drawing = Drawing(ask, 1)
            drawing.step()
            calls = [drawing.opened, drawing.again(), stats, ask("stats")]
            (number,) = {int(call["instance_id"]) for call in calls}
            numbers.append(number)
    assert len(set(numbers)) == 3
    assert min(numbers) > 2**32  # a smaller one has a chance of 2^-31


BAD_OPEN = [
    ({"latents": np.zeros(Z - 1)}, Code.INVALID_LATENTS),
    ({"latents": np.full(Z, np.nan)}, Code.INVALID_LATENTS),
    ({"strokes": np.full((1, 5), np.nan)}, Code.INVALID_STROKES),
    ({"strokes": np.zeros((2, 5))}, Code.INVALID_STROKES),
    ({"strokes": np.zeros((2, 3))}, Code.INVALID_SHAPE),
    ({"strokes": np.tile([1, 1, 1, 0, 0], (T, 1))}, Code.TOO_MANY_POINTS),
    ({"temperature": 0}, Code.INVALID_TEMPERATURE),
    ({"temperature": np.nan}, Code.INVALID_TEMPERATURE),
    ({"condition": [1, 0, 0]}, Code.INVALID_SHAPE),
    ({"condition": [np.inf, 0]}, Code.INVALID_CONDITION),
    ({"seed": [[1, 2]]}, Code.INVALID_SHAPE),
    ({"session_id": [1]}, Code.INVALID_SHAPE),
]


@pytest.mark.parametrize(("bad", "code"), BAD_OPEN)
def test_a_bad_open_is_refused_and_replaces_nothing(ask, drawn, bad, code):
    drawing = Drawing(ask, 1)
    drawing.step()
    good = {
        "session_id": drawing.id,
        "condition": [1, 0],
        "seed": [0, 0],
        "temperature": 1,
        "strokes": NONE,
        "latents": [],
    }
    assert refused(ask, "open", **good | bad) is code
    drawing.finish().assert_is(drawn[1])


def test_a_bad_step_is_refused_and_draws_nothing(ask, drawn):
    drawing = Drawing(ask, 1)
    good = {"session_id": drawing.id, "step": 0, "num_points": 3}
    for bad, code in (
        ({"num_points": 0}, Code.INVALID_NUM_POINTS),
        ({"num_points": -5}, Code.INVALID_NUM_POINTS),
        ({"num_points": [3]}, Code.INVALID_SHAPE),
        ({"step": [0]}, Code.INVALID_SHAPE),
    ):
        assert refused(ask, "step", **good | bad) is code
    drawing.finish().assert_is(drawn[1])


# --- Many at once -----------------------------------------------------------


def test_sessions_of_many_threads_do_not_mix(ask, drawn):
    def draw_some(numbers):
        drawings = [Drawing(ask, k) for k in numbers]
        while any(not drawing.complete for drawing in drawings):
            for drawing in drawings:
                if not drawing.complete:
                    drawing.step(1 + drawing.k % 3)
        return drawings

    numbers = np.arange(COUNT).reshape(16, -1)  # 4 sessions in each thread
    with ThreadPoolExecutor(16) as pool:
        drawings = list(chain.from_iterable(pool.map(draw_some, numbers)))
    for drawing in drawings:
        drawing.assert_is(drawn[drawing.k])


def test_a_step_that_arrives_many_times_at_once_is_taken_once(ask, drawn):
    drawing = Drawing(ask, 1)
    with ThreadPoolExecutor(8) as pool:
        while not drawing.complete:
            sizes = [2, 2, 2, 2, 1, 3, 2, 5]
            first, *others = pool.map(drawing.again, sizes)
            for other in others:
                np.testing.assert_array_equal(
                    other["strokes"], first["strokes"]
                )
            count = len(first["strokes"])
            drawing.take(first, max(count, 1))
    drawing.assert_is(drawn[1])


# --- Deadlines ----------------------------------------------------------------


def test_calls_that_are_cut_off_never_spoil_a_drawing(folder, drawn):
    """Every call runs into a deadline at first; then as a client would do."""
    cuts, lost = 0, 0
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))

        def run(call, timeout_ms=0):
            signature = graph.signature_def[call.signature]
            return session.run(
                {k: v.name for k, v in signature.outputs.items()},
                {signature.inputs[k].name: v for k, v in call.inputs.items()},
                tf.compat.v1.RunOptions(timeout_in_ms=timeout_ms),
            )

        ask = caller(contract.SKETCHER_SESSION, run)
        hurried = caller(
            contract.SKETCHER_SESSION, lambda call: run(call, 1 + cuts % 8)
        )
        for k in range(12):
            drawing = Drawing(ask, k)
            while not drawing.complete:
                for patient in (False, True):
                    drawing.ask = ask if patient else hurried
                    try:
                        drawing.step(4)
                        break
                    except tf.errors.DeadlineExceededError:
                        cuts += 1
                    except tf.errors.InvalidArgumentError as error:
                        assert code_of(str(error)) is Code.SESSION_NOT_FOUND
                        lost += 1
                        drawing.ask = ask
                        drawing.reopen(latents=drawing.latents)
            drawing.assert_is(drawn[k])
        assert ask("stats")["open"] <= CAPACITY
    assert cuts > 0
    assert lost <= cuts
