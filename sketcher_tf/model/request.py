"""`sketcher_tf.request`, by its older name."""

from sketcher_tf.request import (
    DEFAULT_TEMPERATURE,
    DEFAULT_TRIES,
    DrawingRequest,
    Prefix,
    drawings,
    new_request,
    number_of_tries,
    slerp,
)

__all__ = [
    "DEFAULT_TEMPERATURE",
    "DEFAULT_TRIES",
    "DrawingRequest",
    "Prefix",
    "drawings",
    "new_request",
    "number_of_tries",
    "slerp",
]
