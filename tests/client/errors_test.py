import pickle

import grpc
import pytest

from sketcher_tf.client import errors
from sketcher_tf.client.errors import (
    Failure,
    ServingError,
    error_of,
    without_values,
)
from sketcher_tf.contract import Code

FAILURE = Failure(
    operation="generate",
    model="sketcher",
    version="3",
    target="host:8500",
    elapsed=1.25,
    attempts=2,
    details="connection refused",
)


@pytest.mark.parametrize(
    "code", [c for c in grpc.StatusCode if c is not grpc.StatusCode.OK]
)
def test_every_code_has_an_error_of_its_own(code):
    error = error_of(code, FAILURE)
    assert error.code == code
    assert isinstance(error, ServingError)
    assert type(error) is not ServingError
    name = code.name.title().replace("_", "")
    assert type(error).__name__ == f"{name}Error"


def test_the_message_tells_the_circumstances():
    error = error_of(grpc.StatusCode.UNAVAILABLE, FAILURE)
    assert str(error) == (
        "generate of sketcher (version 3) at host:8500 failed after 1.25 s and "
        "2 attempts: UNAVAILABLE, connection refused. Check the target, TLS "
        "settings, and that the server runs."
    )


def test_errors_survive_a_queue():
    error = pickle.loads(pickle.dumps(errors.NotFoundError(FAILURE)))
    assert type(error) is errors.NotFoundError
    assert error.failure == FAILURE


REFUSAL = (
    "assertion failed: [INVALID_TEMPERATURE: temperature must lie between "
    "1e-06 and 1e+06; received] [0.125 secret] [. Try 0.3; close to 0 each "
    "point is the likeliest.]\n\t [[{{node Assert}}]]"
)


def test_refused_values_are_not_shown():
    assert without_values(REFUSAL) == (
        "INVALID_TEMPERATURE: temperature must lie between 1e-06 and 1e+06. "
        "Try 0.3; close to 0 each point is the likeliest."
    )
    shape = "[INVALID_SHAPE: x must have shape [B, 2]; received] [3 1] [. See.]"
    assert without_values(shape) == (
        "INVALID_SHAPE: x must have shape [B, 2]. See."
    )


def test_nor_when_the_server_cuts_the_text():
    for length in range(REFUSAL.index("; received"), len(REFUSAL)):
        text = without_values(f"{REFUSAL[:length]}...TRUNCATED")
        assert "0.125" not in text
        assert "secret" not in text
        assert "INVALID_TEMPERATURE: temperature must lie" in text


def test_other_texts_stay():
    assert without_values("no such thing: [1 2]") == "no such thing: [1 2]"


def test_reasons():
    details = without_values(REFUSAL)
    failure = Failure(**{**FAILURE.__dict__, "details": details})
    error = errors.InvalidArgumentError(failure)
    assert error.reason == Code.INVALID_TEMPERATURE
    assert errors.InvalidArgumentError(FAILURE).reason is None
