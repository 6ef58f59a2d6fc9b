"""One call to the server, without doing it: what to send and when.

A *task* is a generator that yields *effects* and is sent their outcomes; what
it returns is the result. The clients, one blocking and one for asyncio, only
carry out effects, so that all decisions are made once, here and in
`operations`.
"""

import itertools
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar

import grpc
import numpy as np

from sketcher_tf import contract
from sketcher_tf.client import errors
from sketcher_tf.client.proxies import proxy_of
from sketcher_tf.client.retry import Backoff, Deadline, safe_to_repeat
from sketcher_tf.wire import messages, tensors


@dataclass(frozen=True)
class Attempt:
    """Send `request` once, and wait `timeout` seconds for its answer.

    The outcome is the answer; or a `grpc.RpcError`, thrown into the task. Of a
    closed client, any exception.

    Attributes:
        servable: its name in the contract; it decides on the channel.
        request: a PredictRequest or a GetModelStatusRequest.
        timeout: seconds.
    """

    servable: str
    request: Any
    timeout: float


@dataclass(frozen=True)
class Sleep:
    """Wait that many seconds. The outcome is None."""

    seconds: float


_POLLS = Backoff(maximum=1.0)  # between looks at a model's state
_LONGEST_TIMEOUT = 1e6  # seconds; gRPC takes much more for none, or for over

# What every version of a model answers, with its inputs.
_PROBES = {
    contract.SKETCHER.name: (contract.LABELS, {"row": np.zeros(1, np.int32)}),
    contract.SKETCHER_SESSION.name: (contract.STATS, {}),
}
_UNKNOWN_LABEL = "version label"  # in the words of either server

T = TypeVar("T")
Task: TypeAlias = Generator[Attempt | Sleep, Any, T]


def check_timeout(seconds: float) -> float:
    """The seconds that a user allows.

    Raises:
        ValueError: no positive number, or one beyond all reason.
    """
    if not 0 < seconds <= _LONGEST_TIMEOUT:  # which NaN is not either
        raise ValueError(
            "timeout must be a positive number of seconds, at most "
            f"{_LONGEST_TIMEOUT:.0f}; received {seconds}. Try 60."
        )
    return seconds


class Choice(NamedTuple):
    """Which version of a model is meant; the latest, if neither is given."""

    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return str(self.version)
        return self.label or "latest"


class Answer(NamedTuple):
    """What a signature gave."""

    version: int
    outputs: dict[str, np.ndarray]


@dataclass
class Caller:
    """Knows the server, and makes tasks of single calls to it.

    Attributes:
        targets: servable of the contract -> the server's address, for errors.
        backoff: between attempts.
        clock: seconds that never go back.
        rng: for the jitter.
        closed: whether the client is, so that no call may begin any more,
            except to give a session back.
    """

    targets: Mapping[str, str]
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], float] = time.monotonic
    rng: random.Random = field(default_factory=random.Random)
    closed: bool = False

    def predict(
        self,
        servable: contract.Servable,
        signature: contract.Signature,
        inputs: Mapping[str, np.ndarray],
        choice: Choice,
        deadline: Deadline,
        *,
        sizes: Mapping[str, int] = MappingProxyType({}),
        version: int | None = None,
        fault: Callable[[Answer], str] | None = None,
    ) -> Task[Answer]:
        """Runs a signature.

        Args:
            servable: of the contract.
            signature: one of its signatures.
            inputs: by name, of the contract's dtypes.
            choice: the version.
            deadline: of all attempts together.
            sizes: of the answer, as far as they are known.
            version: that must answer; None takes any.
            fault: says what is wrong with an answer; "" if nothing is.

        Raises:
            ServingError: it could not be done.
        """
        request = messages.PredictRequest()
        self._choose(request.model_spec, servable.name, choice)
        request.model_spec.signature_name = signature.name
        for tensor in signature.inputs:
            tensors.encode(
                np.asarray(inputs[tensor.name], tensor.dtype),
                request.inputs[tensor.name],
            )
        call = _Call(self, servable.name, signature.name, choice)
        merged = servable is contract.SKETCHER
        message = yield from call.attempts(request, deadline, merged)
        if version not in (None, message.model_spec.version.value):
            raise call.version_changed(version, message)
        answer = Answer(
            message.model_spec.version.value,
            {
                tensor.name: call.output(tensor, message, sizes)
                for tensor in signature.outputs
            },
        )
        if fault and (complaint := fault(answer)):
            raise call.invalid(complaint)
        return answer

    def wait_until_available(
        self, servable: contract.Servable, choice: Choice, deadline: Deadline
    ) -> Task[None]:
        """Waits until the server has loaded a model.

        Args:
            servable: of the contract.
            choice: the version that is wanted.
            deadline: until when to wait.

        Raises:
            ServingError: it has not been loaded in that time.
        """
        # The state that a server tells of does not depend on the label.
        look = self._status if choice.label is None else self._probe
        failed = None
        for polls in itertools.count(1):
            try:
                failed = yield from look(servable, choice, deadline)
            except errors.DeadlineExceededError as late:
                if failed is None:
                    raise
                raise failed from late  # what was missing helps more
            if failed is None:
                return
            delay = _POLLS.delay(polls, self.rng)
            if delay >= deadline.left:
                raise failed
            yield Sleep(delay)

    def _status(
        self, servable: contract.Servable, choice: Choice, deadline: Deadline
    ) -> Task[errors.ServingError | None]:
        """Asks whether a version is loaded; why not, or None if one is."""
        request = messages.GetModelStatusRequest()
        self._choose(request.model_spec, servable.name, choice)
        call = _Call(self, servable.name, "GetModelStatus", choice)
        try:
            answer = yield from call.attempts(request, deadline, merged=False)
        except errors.NotFoundError as error:
            return error  # the server runs, but has not looked yet
        if any(
            one.state == messages.State.AVAILABLE
            for one in answer.model_version_status
        ):
            return None
        return call.not_available(answer)

    def _probe(
        self, servable: contract.Servable, choice: Choice, deadline: Deadline
    ) -> Task[errors.ServingError | None]:
        """Makes a call; why there is no such version yet, or None."""
        signature, inputs = _PROBES[servable.name]
        try:
            yield from self.predict(
                servable, signature, inputs, choice, deadline
            )
        except errors.NotFoundError as error:
            return error
        except errors.InvalidArgumentError as error:
            if _UNKNOWN_LABEL not in error.failure.details:
                raise
            return error
        return None

    def deadline(self, seconds: float) -> Deadline:
        """In so many seconds, by the clock."""
        return Deadline(seconds, self.clock)

    def _choose(self, spec: Any, servable: str, choice: Choice) -> None:
        spec.name = servable
        if choice.version is not None:
            spec.version.value = choice.version
        elif choice.label is not None:
            spec.version_label = choice.label


class _Call:
    """An operation under way: what its errors have to tell."""

    def __init__(
        self, caller: Caller, servable: str, operation: str, choice: Choice
    ) -> None:
        self._caller = caller
        self._servable = servable
        self._operation = operation
        self._choice = choice
        self._begun = caller.clock()
        self._attempts = 0

    def attempts(
        self, request: Any, deadline: Deadline, merged: bool
    ) -> Task[Any]:
        """Tries until there is an answer, or no sense in trying again."""
        caller = self._caller
        before = None
        for attempts in itertools.count(1):
            self._check_open()
            self._attempts += 1
            try:
                return (yield Attempt(self._servable, request, deadline.left))
            except grpc.RpcError as error:
                failed = error
                self._check_open()
            except Exception as error:
                if caller.closed:  # which each library tells in its own way
                    raise self._closed() from error
                raise
            delay = caller.backoff.delay(attempts, caller.rng)
            if (
                not safe_to_repeat(failed, attempts, merged)
                or delay >= deadline.left
            ):
                raise self._error(failed, before) from failed
            before = failed
            yield Sleep(delay)

    def output(
        self, tensor: contract.Tensor, answer: Any, sizes: Mapping[str, int]
    ) -> np.ndarray:
        """One output, checked against the contract."""
        if tensor.name not in answer.outputs:
            raise self.invalid(f"output {tensor.name} is missing.")
        try:
            array = tensors.decode(answer.outputs[tensor.name])
        except ValueError as error:
            raise self.invalid(f"{tensor.name}: {error}") from error
        shape = tensor.shape_for(sizes)
        fits = len(shape) == array.ndim and all(
            size in (None, actual)
            for size, actual in zip(shape, array.shape, strict=True)
        )
        if not fits or tensors.dtype_of(array) != tensor.dtype:
            raise self.invalid(
                f"{tensor.name} must be {tensor.dtype} {list(shape)}; "
                f"received {tensors.dtype_of(array)} {list(array.shape)}."
            )
        return array

    def version_changed(
        self, expected: int | None, answer: Any
    ) -> errors.VersionChangedError:
        """The error of an answer by another version."""
        return errors.VersionChangedError(
            self._failure(
                f"version {expected} must answer; received an answer of "
                f"version {answer.model_spec.version.value}."
            )
        )

    def not_available(self, answer: Any) -> errors.DeadlineExceededError:
        """The error of a status that shows no version ready."""
        states = [
            f"version {one.version} is {messages.State(one.state).name}"
            + f" ({one.status.error_message})" * bool(one.status.error_message)
            for one in answer.model_version_status
        ]
        return errors.DeadlineExceededError(
            self._failure(
                "a version must be AVAILABLE; received "
                f"{'; '.join(states) or 'no version'}."
            )
        )

    def invalid(self, details: str) -> errors.InvalidAnswerError:
        """The error of an answer that breaks the contract."""
        return errors.InvalidAnswerError(self._failure(details))

    def _check_open(self) -> None:
        giving_back = self._operation == contract.CLOSE.name
        if self._caller.closed and not giving_back:
            raise self._closed()

    def _closed(self) -> errors.ClientClosedError:
        return errors.ClientClosedError(
            self._failure("the client must be open; received a closed one.")
        )

    def _error(
        self, error: grpc.RpcError, before: grpc.RpcError | None
    ) -> errors.ServingError:
        details = errors.without_values(error.details() or "")
        if before and error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            # Why the time ran out is what helps.
            cause = errors.without_values(before.details() or "")
            details += f"; the attempt before: {before.code().name}, {cause}"
        return errors.error_of(error.code(), self._failure(details))

    def _failure(self, details: str) -> errors.Failure:
        target = self._caller.targets[self._servable]
        return errors.Failure(
            operation=self._operation,
            model=self._servable,
            version=str(self._choice),
            target=target,
            elapsed=self._caller.clock() - self._begun,
            attempts=self._attempts,
            details=details,
            proxy=proxy_of(target),
        )
