"""What can go wrong with a call: one exception per status code, one base.

An error says which operation failed, on which model and server, after how long,
and what the server said, without the values that a model's refusal quotes:
drawings may be private, and in a merged batch another caller's. But the error
of gRPC, its `__cause__`, has the server's words in full, and so has a traceback
that is logged. Where that matters, log `str(error)` alone.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

import grpc

from sketcher_tf.contract import Code, code_of


@dataclass(frozen=True)
class Failure:
    """The circumstances of an error.

    Attributes:
        operation: the signature or method that was called.
        model: the servable's name.
        version: its version or label, or "latest".
        target: the server's address.
        elapsed: seconds since the operation began.
        attempts: how often it was tried.
        details: what the server, or gRPC, said; without the values that it
            refused, which may even be another caller's.
        proxy: the variable and address of the proxy that calls go through; ""
            without one.
    """

    operation: str
    model: str
    version: str
    target: str
    elapsed: float
    attempts: int
    details: str
    proxy: str = ""


# CODE: rule; received] [value] [. remedy
_REFUSAL = re.compile(
    rf"\b(?P<text>({'|'.join(Code)}): .*?); received\]"
    r"(?:.*?\] \[\. (?P<remedy>[^\]]*)\])?",
    re.DOTALL,
)


def without_values(details: str) -> str:
    """A server's words, without the values that an assertion has shown."""
    refusal = _REFUSAL.search(details)
    if refusal is None:
        return details
    return ". ".join(filter(None, refusal.group("text", "remedy")))


class ServingError(Exception):
    """An operation failed; also of a code that has no class of its own."""

    code: ClassVar[grpc.StatusCode | None] = None
    remedy: ClassVar[str] = "See the log of the server."

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)  # as the only argument, so that it pickles
        self.failure = failure

    @property
    def reason(self) -> Code | None:
        """The contract's code in the server's words, if there is one."""
        return code_of(self.failure.details)

    def __str__(self) -> str:
        it = self.failure
        name = self.code.name if self.code else type(self).__name__
        times = f"{it.attempts} attempt{'s' if it.attempts != 1 else ''}"
        return (
            f"{it.operation} of {it.model} (version {it.version}) at "
            f"{it.target} failed after {it.elapsed:.2f} s and {times}: "
            f"{name}, {it.details.strip().rstrip('.') or 'no details'}. "
            f"{self.remedy}{self._about_proxy()}"
        )

    def _about_proxy(self) -> str:
        if not self.failure.proxy:
            return ""
        return (
            f" Calls to it go through the proxy {self.failure.proxy}; to go "
            "past it, add the server's host to no_proxy."
        )


class InvalidAnswerError(ServingError):
    """The server answered, but not what the contract says."""

    remedy = "Export the model anew, with the version of this client."


class VersionChangedError(ServingError):
    """Another version answered than the one whose labels are known.

    It is seen only when the model is reloaded again and again, or when the
    newest versions of the two servables are not those of one export.
    """

    remedy = (
        "Wait until the new version is loaded everywhere, or pin one; if "
        "`sketcher` and `sketcher_session` stay apart, export the model again."
    )


class ClientClosedError(ServingError):
    """The client was closed, before the call or while it was under way."""

    remedy = "Make another client."


class CancelledError(ServingError):
    """The call was cancelled on its way."""

    code = grpc.StatusCode.CANCELLED
    remedy = "Call again."


class UnknownError(ServingError):
    """The server failed without saying how."""

    code = grpc.StatusCode.UNKNOWN


class InvalidArgumentError(ServingError):
    """The server refused what was sent; `reason` tells more."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    remedy = "Change the arguments."


class DeadlineExceededError(ServingError):
    """There was no answer in time; the server may have done the work."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    remedy = "Allow more with timeout=, or ask for less."


class NotFoundError(ServingError):
    """No such model, or no such version of it."""

    code = grpc.StatusCode.NOT_FOUND
    remedy = "Check the name of the model and which versions are loaded."


class AlreadyExistsError(ServingError):
    """What was to be made is there already."""

    code = grpc.StatusCode.ALREADY_EXISTS


class PermissionDeniedError(ServingError):
    """The caller may not do that."""

    code = grpc.StatusCode.PERMISSION_DENIED
    remedy = "Ask the server's owner for access."


class ResourceExhaustedError(ServingError):
    """The server is full, or a message is larger than its limit."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    remedy = "Call less often, or raise the limit that is named."


class FailedPreconditionError(ServingError):
    """The model cannot answer this call: an unknown signature, for example."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    remedy = "Check that the model was exported by this project."


class AbortedError(ServingError):
    """The server gave up half-way."""

    code = grpc.StatusCode.ABORTED


class OutOfRangeError(ServingError):
    """Past the valid range."""

    code = grpc.StatusCode.OUT_OF_RANGE


class UnimplementedError(ServingError):
    """The server does not know this method."""

    code = grpc.StatusCode.UNIMPLEMENTED
    remedy = "Check that the target is a TensorFlow Serving gRPC port."


class InternalError(ServingError):
    """The server broke."""

    code = grpc.StatusCode.INTERNAL


class UnavailableError(ServingError):
    """No server, or none that answers; repeated until the deadline."""

    code = grpc.StatusCode.UNAVAILABLE
    remedy = "Check the target, TLS settings, and that the server runs."


class DataLossError(ServingError):
    """Data were lost or damaged beyond repair."""

    code = grpc.StatusCode.DATA_LOSS


class UnauthenticatedError(ServingError):
    """The server wants to know who calls."""

    code = grpc.StatusCode.UNAUTHENTICATED
    remedy = "Give a client certificate with tls=."


_BY_CODE = {error.code: error for error in ServingError.__subclasses__()}


def error_of(code: grpc.StatusCode, failure: Failure) -> ServingError:
    """The exception for a status code."""
    return _BY_CODE.get(code, ServingError)(failure)
