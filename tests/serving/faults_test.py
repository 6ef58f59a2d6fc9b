"""What goes wrong between client and server, and what the client makes of it.

No lost point, no doubled point, no hang, and a clear error when it cannot
succeed. `conformance_test` does some of it with the real export.
"""

import dataclasses
import random
import threading
import time

import grpc
import numpy as np
import pytest

from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.errors import (
    DeadlineExceededError,
    InvalidAnswerError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)
from tests.testing import fakes
from tests.testing.fakes import FakeServer, expected
from tests.testing.proxy import Proxy

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
TOO_LARGE = fakes.fail(EXHAUSTED, "Received message larger than max (9 vs. 4)")


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def client(server):
    with SketcherClient(server.target) as client:
        yield client


@pytest.fixture
def impatient(client):
    """Ends what fails for ever with its third failure."""
    return fakes.impatient(client)


@pytest.fixture
def proxy(server):
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def proxied(proxy):
    """A client behind the proxy, with a connection that has been used."""
    with SketcherClient(proxy.target) as client:
        client.labels()
        yield client


def assert_drawn(client, seed=3, points_per_call=2):
    """A whole drawing, live: no lost and no doubled point."""
    drawing = client.draw_live(
        "pig", seed=seed, points_per_call=points_per_call
    )
    points = list(drawing)
    np.testing.assert_array_equal(points, expected("pig", seed))
    np.testing.assert_array_equal(drawing.sketch.stroke3, points)


def once(action):
    """Does `action` at the first bytes, and passes all on."""
    left = [action]

    def change(data):
        if left:
            left.pop()()
        return data

    return change


# --- Connections that are cut -------------------------------------------------


def test_cut_before_a_call(server, proxy, proxied):
    proxy.cut()
    [one] = proxied.generate("cat", seed=1)
    np.testing.assert_array_equal(one.stroke3, expected("cat", 1))


def test_cut_while_the_request_is_on_its_way(server, proxy, proxied):
    proxy.on_request = once(proxy.cut)
    [one] = proxied.generate("cat", seed=1)
    np.testing.assert_array_equal(one.stroke3, expected("cat", 1))
    assert server.names().count("generate") == 1


def test_cut_while_the_server_works(server, proxy, proxied):
    server.faults["generate"].append(fakes.after(proxy.cut))
    [one] = proxied.generate("cat", seed=1)
    np.testing.assert_array_equal(one.stroke3, expected("cat", 1))
    assert server.names().count("generate") == 2


def test_cut_while_the_answer_is_on_its_way(server, proxy, proxied):
    def lose_the_answer():
        proxy.on_answer = once(proxy.cut)

    server.faults["generate"].append(fakes.after(lose_the_answer))
    [one] = proxied.generate("cat", seed=1)
    np.testing.assert_array_equal(one.stroke3, expected("cat", 1))
    assert server.names().count("generate") == 2


def test_cut_after_a_call(server, proxy, proxied):
    for _ in range(3):
        proxied.generate("cat")
        proxy.cut()
    assert server.names().count("generate") == 3


@pytest.mark.parametrize("name", ["open", "step", "close"])
@pytest.mark.parametrize("answered", [False, True])
def test_live_drawing_survives_cuts(server, proxy, proxied, name, answered):
    def lose_the_answer():
        proxy.on_answer = once(proxy.cut)

    cut = lose_the_answer if answered else proxy.cut
    server.faults[name].extend([fakes.after(cut)] * 3)
    assert_drawn(proxied)
    assert not server.faults[name] or name == "close"


def test_a_network_that_stays_away_is_an_error(server, proxy):
    with SketcherClient(proxy.target) as client:
        client.labels()
        proxy.refusing = True
        proxy.cut()
        begun = time.monotonic()
        with pytest.raises((UnavailableError, DeadlineExceededError)) as error:
            client.generate("cat", timeout=1.0)
        assert time.monotonic() - begun < 30
        assert error.value.failure.attempts > 1
        proxy.refusing = False
        assert len(client.generate("cat")) == 1


def test_a_network_that_swallows_all_is_a_deadline(server, proxy, proxied):
    proxy.on_answer = lambda data: b""
    with pytest.raises(DeadlineExceededError) as error:
        proxied.generate("cat", timeout=0.3)
    assert 0.3 <= error.value.failure.elapsed < 30
    drawing = proxied.draw_live("cat", seed=1, timeout=0.3)
    with pytest.raises(DeadlineExceededError):
        list(drawing)


# --- Answers that come late ---------------------------------------------------


def test_late_answers_are_deadlines(server, client):
    client.labels()
    late = threading.Event()
    server.faults["generate"].append(fakes.held_until(late.is_set))
    with pytest.raises(DeadlineExceededError) as error:
        client.generate("cat", timeout=0.2)
    late.set()
    assert error.value.failure.attempts == 1
    assert len(client.generate("cat")) == 1


def given_back(server):
    """Whether another session has been given back by then."""
    before = server.names().count("close")
    return lambda: server.names().count("close") > before


@pytest.mark.parametrize("name", ["open", "step"])
def test_a_drawing_can_go_on_after_a_deadline(server, client, name):
    drawing = client.draw_live("cat", seed=4, points_per_call=4, timeout=0.4)
    points, deadlines = [], 0
    server.faults[name].append(fakes.held_until(given_back(server)))
    for _ in range(50):
        try:
            points.extend(drawing)
            break
        except DeadlineExceededError:  # more than one on a busy machine
            deadlines += 1
    assert deadlines
    np.testing.assert_array_equal(points, expected("cat", 4))


@pytest.mark.parametrize("name", ["open", "step"])
def test_a_session_is_given_back_after_a_deadline(server, client, name):
    for seed in range(3):
        server.faults[name].append(fakes.held_until(given_back(server)))
        with pytest.raises(DeadlineExceededError):
            list(client.draw_live("cat", seed=seed, timeout=0.2))
        assert not server.model.sessions
    assert server.names().count("close") >= 3


def test_every_call_has_a_deadline(server, client):
    client.generate("cat")
    client.reconstruct(client.generate("cat"))
    assert_drawn(client)
    assert len(server.calls) > 5
    for name, _, seconds, _ in server.calls:
        # As seen by the clock of the server.
        assert 0 < seconds <= client._operations.timeout + 2, name


# --- A server that is full ----------------------------------------------------


def test_a_full_server_is_asked_again(server, client):
    for name in ("generate", "open", "step"):
        server.faults[name].extend([fakes.exhausted] * 2)
    assert len(client.generate("cat")) == 1
    assert_drawn(client)
    assert not any(server.faults.values())


def test_a_server_that_stays_full_is_an_error(server, impatient):
    server.faults["generate"].extend([fakes.exhausted] * 99)
    with pytest.raises(ResourceExhaustedError, match="Call less often") as e:
        impatient.generate("cat")
    assert e.value.failure.attempts == 3


@pytest.mark.parametrize("name", ["generate", "step"])
def test_what_is_too_large_stays_so(server, client, name):
    server.faults[name].append(TOO_LARGE)
    with pytest.raises(ResourceExhaustedError, match="larger than max"):
        list(client.draw_live("cat")) if name == "step" else client.generate(
            "cat"
        )
    assert server.names().count(name) == 1


# --- Sessions that are lost ---------------------------------------------------


@pytest.mark.parametrize("loss", ["evict", "restart", "reload"])
@pytest.mark.parametrize("when", [0, 1, 3])
def test_live_drawing_survives_a_lost_session(server, client, loss, when):
    def lose():
        if loss == "reload":
            server.reload(2)
        else:
            getattr(server, loss)()

    drawing = client.draw_live("pig", seed=3, points_per_call=2)
    points = []
    for number, point in enumerate(drawing):
        points.append(point)
        if number == 2 * when:
            lose()
    np.testing.assert_array_equal(points, expected("pig", 3))
    [*_, last] = [i for n, i, *_ in server.calls if n == "open"]
    assert len(last["strokes"]) > 0
    # The latents that the first `open` gave, not new ones.
    np.testing.assert_array_equal(last["latents"], [3, 0, 0])


def test_a_session_may_be_lost_again_and_again(server, client):
    server.faults["step"].extend([fakes.after(server.evict)] * 4)
    assert_drawn(client, points_per_call=1)
    # Each time under another id: an open that was given up may still arrive.
    ids = [int(i["session_id"]) for n, i, *_ in server.calls if n == "open"]
    assert len(ids) == len(set(ids)) == 5


def test_a_session_that_cannot_be_kept_is_an_error(server, impatient):
    server.faults["step"].extend([fakes.after(server.evict)] * 999)
    drawing = impatient.draw_live("cat")
    with pytest.raises(InvalidArgumentError, match="SESSION_NOT_FOUND"):
        list(drawing)
    server.faults.clear()
    np.testing.assert_array_equal(list(drawing), expected("cat", 0))


def test_a_model_that_is_gone_is_an_error(server, client):
    gone = fakes.fail(grpc.StatusCode.NOT_FOUND, "Servable not found")
    server.faults["step"].append(gone)
    with pytest.raises(NotFoundError, match="Servable not found"):
        list(client.draw_live("cat"))


def test_a_smaller_model_draws_latents_of_its_own(server, client):
    class Smaller(fakes.Model):
        def _prior(self, seed, given):
            return super()._prior(seed, given)[:, :2]

    def load():
        server.model = Smaller(2)
        metadata = {**vars(server.model.metadata), "latent_size": 2}
        server.model.metadata = type(server.model.metadata)(**metadata)

    drawing = client.draw_live("cat", seed=1, points_per_call=2)
    points = []
    for number, point in enumerate(drawing):
        points.append(point)
        if number == 1:
            load()
    np.testing.assert_array_equal(points[:2], expected("cat", 1)[:2])
    assert len(points) == len(expected("cat", 1))
    assert drawing.sketch.latents.shape == (2,)


def test_the_session_servable_may_be_loaded_later(server, client):
    """Both are published together, and loaded one after the other."""
    old = server.model

    def behind(proceed):
        version, outputs = proceed()
        return version - 1, outputs

    client.labels()
    server.reload(old.version + 1)
    server.faults["open"].extend([behind] * 2)
    assert_drawn(client)


@pytest.fixture
def begun(server, client):
    """A drawing in its midst, of a model of other words than the next one."""
    drawing = client.draw_live("pig", seed=3, points_per_call=2)
    turn = iter(drawing)
    return drawing, turn, [next(turn) for _ in range(4)]


OTHER_WORDS = ("owl", "pig")


def catch_up(server, after):
    """The servable of sessions is loaded after so many calls."""

    def fault(proceed):
        nonlocal after
        after -= 1
        if not after:
            server.old_sessions = None
        return proceed()

    return fault


@pytest.mark.parametrize("first", ["sketcher", "sketcher_session"])
def test_either_servable_of_another_model_may_be_loaded_first(
    server, begun, first
):
    """With other words, and so with conditions of another width."""
    drawing, turn, points = begun
    old = server.model
    server.reload(2, OTHER_WORDS)
    if first == "sketcher":
        server.old_sessions = old
        server.evict()
        old.sessions.clear()
    else:
        server.old_sessions, server.model = server.model, old
    points += turn
    np.testing.assert_array_equal(
        [point[1:] for point in points], expected("pig", 3)[:, 1:]
    )
    assert len(points) == len(drawing.sketch.stroke3)


def test_a_word_is_waited_for_that_sessions_will_know(server, client):
    old = server.model
    server.reload(2, OTHER_WORDS)
    server.old_sessions = old
    server.faults["labels"].extend([catch_up(server, 6)] * 6)
    assert len(list(client.draw_live("owl", seed=3))) == 12
    assert not server.faults["labels"]


def test_servables_that_stay_apart_are_an_error(server, impatient):
    server.old_sessions = server.model
    server.reload(2, OTHER_WORDS)
    with pytest.raises(ValueError, match="received 'owl'"):
        list(impatient.draw_live("owl"))
    assert len(list(impatient.draw_live("cat"))) == 9  # the old one knows it


def test_sessions_of_version_1_of_the_contract(server, client):
    """They have no labels of their own."""
    unknown = fakes.fail(
        grpc.StatusCode.FAILED_PRECONDITION,
        'Serving signature key "labels" not found.',
    )
    old = server.model
    old.labels = lambda row=None: (
        unknown(None) if row is None else fakes.Model.labels(old, row)
    )
    assert_drawn(client)
    server.old_sessions = old
    server.reload(2, OTHER_WORDS)
    server.faults["stats"].extend([catch_up(server, 3)] * 3)
    assert len(list(client.draw_live("owl", seed=3))) == 12


def test_a_drawing_ends_that_is_too_long_for_another_model(server, begun):
    drawing, turn, points = begun
    server.reload(2)
    schema = {**server.model.metadata.schema, "max_seq_len": 3}
    server.model.metadata = dataclasses.replace(
        server.model.metadata, schema=schema
    )
    fetched = len(list(turn))  # before, while the first ones were taken
    assert fetched <= 2
    assert len(drawing.sketch.stroke3) == len(points) + fetched
    assert not drawing.sketch.finished


# --- Calls that arrive twice, or in another order -----------------------------


@pytest.mark.parametrize("name", ["generate", "open", "step", "close"])
def test_calls_may_be_delivered_twice(server, client, name):
    server.faults[name].extend([fakes.twice] * 99)
    [one] = client.generate("pig", seed=3)
    np.testing.assert_array_equal(one.stroke3, expected("pig", 3))
    assert_drawn(client)


def test_a_step_whose_answer_is_lost_is_not_taken_twice(server, client):
    lost = fakes.fail_after(UNAVAILABLE, "Socket closed")
    server.faults["step"].extend([lost, lost])
    assert_drawn(client)
    steps = [int(i["step"]) for n, i, *_ in server.calls if n == "step"]
    assert steps[:4] == [0, 0, 0, 1]


def test_an_open_that_arrives_late_changes_nothing(server, client):
    """It is delivered once more, between the steps."""

    def repeat_open(proceed):
        [inputs, *_] = [i for n, i, *_ in server.calls if n == "open"]
        server.model.open(**inputs)
        return proceed()

    server.faults["step"].extend([lambda p: p(), lambda p: p(), repeat_open])
    assert_drawn(client)


@pytest.mark.parametrize("change", [-1, 1])
def test_points_that_do_not_fit_are_not_taken(server, impatient, change):
    """A server that lost a step, or took one too many, says so by `length`."""

    def wrong(proceed):
        version, outputs = proceed()
        length = outputs["length"] + np.int32(change)
        return version, {**outputs, "length": length}

    server.faults["step"].extend([lambda p: p(), wrong])
    assert_drawn(impatient)
    assert server.names().count("open") == 2
    server.faults["step"].extend([wrong] * 99)
    with pytest.raises(InvalidAnswerError, match="2 points after 0 must make"):
        list(impatient.draw_live("cat", points_per_call=2))


def test_another_instance_under_the_same_id_is_noticed(server, client):
    def other(proceed):
        version, outputs = proceed()
        return version, {**outputs, "instance_id": np.array(5)}

    server.faults["step"].extend([lambda p: p(), other])
    assert_drawn(client)
    assert server.names().count("open") == 2


def test_a_close_that_fails_does_not_matter(server, client):
    server.faults["close"].append(fakes.fail(grpc.StatusCode.INTERNAL))
    assert_drawn(client)


# --- All at once --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_any_mixture_of_faults(server, client, seed):
    """Threads draw live while whatever can go wrong does."""
    rng = random.Random(seed)
    lost = fakes.fail_after(UNAVAILABLE, "lost")
    kinds = [
        *(fakes.unavailable, fakes.exhausted, lost, fakes.twice),
        *(fakes.after(server.evict), lambda proceed: proceed()),
    ]
    for name in ("labels", "generate", "open", "step", "close"):
        server.faults[name].extend(rng.choices(kinds, k=30))
    failed = []

    def draw(number):
        try:
            for repeat in range(2):
                assert_drawn(client, number + repeat, rng.randint(1, 5))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=draw, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
