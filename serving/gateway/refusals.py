"""How calls fail: one `Refusal`, as a status with details and as HTTP.

The details are those of google.rpc, which clients of all languages know:
`BadRequest` with the fields that break a rule, `ErrorInfo` with a reason for
programs, `RetryInfo` with when to come back.

Reference: https://google.aip.dev/193.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2
from pydantic import ValidationError

from sketcher_tf.client.errors import ServingError

CODE = grpc.StatusCode
RETRY_SECONDS = 1

_DOMAIN = "sketcher.v1"
_HTTP = {
    CODE.CANCELLED: 499,
    CODE.INVALID_ARGUMENT: 400,
    CODE.DEADLINE_EXCEEDED: 504,
    CODE.NOT_FOUND: 404,
    CODE.PERMISSION_DENIED: 403,
    CODE.UNAUTHENTICATED: 401,
    CODE.RESOURCE_EXHAUSTED: 429,
    CODE.UNIMPLEMENTED: 501,
    CODE.UNAVAILABLE: 503,
}
# What a caller learns of a failure behind the gateway: no addresses, no words
# that are meant for those who run it.
_BEHIND = {
    CODE.DEADLINE_EXCEEDED: (
        "the sketch must be drawn in time; it was not. Allow more, or ask for "
        "less."
    ),
    CODE.RESOURCE_EXHAUSTED: "the models are busy. Come back later.",
    CODE.UNAVAILABLE: "the models cannot be reached. Come back later.",
}
_COME_BACK = (CODE.RESOURCE_EXHAUSTED, CODE.UNAVAILABLE)


@dataclass(frozen=True)
class Violation:
    """A field that breaks a rule; its path, and what is wrong with it."""

    field: str
    description: str


class Refusal(Exception):  # noqa: N818
    """A call that fails, with what its caller should know.

    Args:
        code: of gRPC.
        text: rule, expectation, received value, remedy.
        reason: for programs, in capitals.
        violations: of fields.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        text: str,
        reason: str = "",
        violations: Sequence[Violation] = (),
    ) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.reason = reason or code.name
        self.violations = tuple(violations)

    @property
    def http_status(self) -> int:
        """The status of HTTP that stands for the code."""
        return _HTTP.get(self.code, 500)

    @property
    def retry_seconds(self) -> int | None:
        """When to come back; None if that is of no use."""
        return RETRY_SECONDS if self.code in _COME_BACK else None

    def to_status(self) -> status_pb2.Status:
        """With all details, for the trailing metadata of gRPC and for JSON."""
        status = status_pb2.Status(code=self.code.value[0], message=self.text)
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain=_DOMAIN)
        status.details.add().Pack(info)
        if self.violations:
            bad = error_details_pb2.BadRequest()
            for one in self.violations:
                bad.field_violations.add(
                    field=one.field, description=one.description
                )
            status.details.add().Pack(bad)
        if self.retry_seconds:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.seconds = self.retry_seconds
            status.details.add().Pack(retry)
        return status


def refusal_of(error: BaseException) -> Refusal:
    """What a caller is told of an error, whatever it is."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, ValidationError):
        return _broken_rules(error)
    if isinstance(error, ValueError):
        return Refusal(CODE.INVALID_ARGUMENT, str(error))
    if isinstance(error, TimeoutError):
        text = _BEHIND[CODE.DEADLINE_EXCEEDED]
        return Refusal(CODE.DEADLINE_EXCEEDED, text)
    if isinstance(error, asyncio.CancelledError):
        return Refusal(CODE.CANCELLED, "the caller has gone.")
    if isinstance(error, ServingError):
        return _behind(error)
    return Refusal(CODE.INTERNAL, "the gateway broke; see its log.")


def _broken_rules(error: ValidationError) -> Refusal:
    violations = [
        Violation(
            ".".join(map(str, one["loc"])),
            one["msg"].removeprefix("Value error, "),
        )
        for one in error.errors(include_url=False, include_input=False)
    ]
    told = "; ".join(
        f"{one.field}: {one.description}" if one.field else one.description
        for one in violations[:3]
    )
    return Refusal(
        CODE.INVALID_ARGUMENT,
        f"a request must keep the rules of its fields; received {told}.",
        violations=violations,
    )


def _behind(error: ServingError) -> Refusal:
    code = error.code or CODE.UNAVAILABLE
    if code is CODE.INVALID_ARGUMENT:
        return Refusal(code, error.failure.details, error.reason or "")
    if code not in _BEHIND:
        return Refusal(CODE.INTERNAL, "the models failed; see the log.")
    return Refusal(code, _BEHIND[code])
