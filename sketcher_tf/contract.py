"""What the servables answer: signatures, tensors, limits and error codes.

The one place where these are written down. The export traces its signatures
from it and the client forms its requests by it, so the two cannot disagree.
No TensorFlow here.

Two servables, because state and batching exclude each other. `sketcher` is a
pure function: each row is drawn from its own seed and no row sees another, so
the server may merge calls. `sketcher_session` holds drawings in progress and is
never merged. Drawings are stroke-5 in *pixels*, end tokens after the drawing.

Sizes are named, and `Metadata.sizes` gives those that a model fixes:

    B  drawings in one call          T  rows of a drawing, max_seq_len + 1
    C  width of a condition          P  points given, T at most
    Z  width of the latents          L  0 or Z
    S  pixels per side of an image   K  points of one step

Calls of unlike shapes cannot be merged, and fail all that were to be merged
with them. So a client pads the drawings it sends to `sketcher` to T rows.
"""

import dataclasses
import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

VERSION = 2  # of this contract
# What is still understood. Version 1 had no `labels` of sessions, no
# fingerprint, and no drawing with tries.
READABLE = (1, VERSION)

# The most drawings in one call of `sketcher`; larger requests are split.
MAX_BATCH_SIZE = 32
# Of one drawing; each may cost as much as a drawing of its own.
MAX_TRIES = 16
# Numbers beyond it, in pixels, weights or latents, are no drawing but a fault.
MAX_MAGNITUDE = 1e6
# Logits are divided by it: below, float32 would overflow.
MIN_TEMPERATURE = 1e-6

Arrays: TypeAlias = Mapping[str, np.ndarray]  # of a call, by tensors' names


class Code(enum.StrEnum):
    """The first word of an error that is the caller's.

    These arrive as INVALID_ARGUMENT, with more text around them.
    """

    INVALID_SHAPE = "INVALID_SHAPE"
    INVALID_CONDITION = "INVALID_CONDITION"
    INVALID_TEMPERATURE = "INVALID_TEMPERATURE"
    INVALID_STROKES = "INVALID_STROKES"
    INVALID_LATENTS = "INVALID_LATENTS"
    INVALID_NUM_POINTS = "INVALID_NUM_POINTS"
    INVALID_TRIES = "INVALID_TRIES"
    TOO_MANY_POINTS = "TOO_MANY_POINTS"
    # No such session: never opened, closed, evicted, or lost with its server.
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    # Neither the next step of the session nor a repetition of its last one.
    STEP_GAP = "STEP_GAP"


# A server that merges calls has a look at their rows before the model has.
_UNEQUAL_ROWS = "input tensors must have equal 0th-dimension size"


def code_of(text: str) -> Code | None:
    """The code that an error's text holds; None if it is another error."""
    if _UNEQUAL_ROWS in text:
        return Code.INVALID_SHAPE
    found = re.search(rf"\b({'|'.join(Code)}): ", text)
    return Code(found[1]) if found else None


@dataclass(frozen=True)
class Tensor:
    """One input or output; `shape` in the sizes named above."""

    name: str
    dtype: str
    shape: tuple[str, ...]

    def shape_for(self, sizes: Mapping[str, int]) -> tuple[int | None, ...]:
        """The shape, with None for what `sizes` does not fix."""
        return tuple(
            int(name) if name.isdigit() else sizes.get(name)
            for name in self.shape
        )

    def sizes(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape, when `sizes` fixes all of it.

        Raises:
            KeyError: it does not.
        """
        return tuple(
            int(name) if name.isdigit() else sizes[name] for name in self.shape
        )


@dataclass(frozen=True)
class Signature:
    """One call."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Servable:
    """One model on the server, by its name."""

    name: str
    signatures: Mapping[str, Signature]

    @property
    def served(self) -> dict[str, Signature]:
        """The signatures by all names that they are served under."""
        default = self.signatures.get(DEFAULT.name)
        return {
            **self.signatures,
            **({"serving_default": default} if default else {}),
        }


def _tensors(**declared: str) -> tuple[Tensor, ...]:
    """Tensors by name, from `dtype axis axis ...`."""
    return tuple(
        Tensor(name, words.split()[0], tuple(words.split()[1:]))
        for name, words in declared.items()
    )


def _servable(name: str, *signatures: Signature) -> Servable:
    return Servable(name, {one.name: one for one in signatures})


# The noise of a row is drawn from its pair of seeds: (seed, k) for the sketch k
# that `Sketcher.generate(..., seed=seed)` draws.
_NOISE = _tensors(seed="int32 B 2", temperature="float32 B")
_CONDITION = _tensors(condition="float32 B C")
_STROKES = _tensors(strokes="float32 B P 5")
# Ink 255 on 0, as `sketcher_tf.rendering.raster` draws it.
_IMAGE = _tensors(image="uint8 B S S")
_SKETCHES = _tensors(
    strokes="float32 B T 5",
    length="int32 B",  # points before the first end token
    finished="bool B",  # false: cut off before an end token
    latents="float32 B Z",  # what it was drawn from
)

GENERATE = Signature("generate", (*_CONDITION, *_NOISE), _SKETCHES)
# `strokes` is what is given; the answer begins with it.
COMPLETE = Signature("complete", (*_STROKES, *_CONDITION, *_NOISE), _SKETCHES)
# The same, but drawn up to `tries` times, until the model's critic sees in a
# drawing what was asked for; else the best is kept. A model without a critic
# takes one try, as `generate` and `complete` do: see `Metadata.has_critic`.
_TRIES = _tensors(tries="int32 B")
GENERATE_BEST = Signature(
    "generate_best", (*GENERATE.inputs, *_TRIES), _SKETCHES
)
COMPLETE_BEST = Signature(
    "complete_best", (*COMPLETE.inputs, *_TRIES), _SKETCHES
)
WITH_TRIES = {"generate": GENERATE_BEST, "complete": COMPLETE_BEST}
RECONSTRUCT = Signature(
    "reconstruct", (*_STROKES, *_IMAGE, *_CONDITION, *_NOISE), _SKETCHES
)
ENCODE = Signature(
    "encode",
    (*_STROKES, *_IMAGE, *_CONDITION),
    _tensors(latents="float32 B Z"),
)
DECODE = Signature(
    "decode",
    (*_tensors(latents="float32 B Z"), *_CONDITION, *_NOISE),
    _SKETCHES,
)
# `row` only says how often the metadata are wanted; its numbers mean nothing.
LABELS = Signature(
    "labels", _tensors(row="int32 B"), _tensors(metadata="string B")
)

SKETCHER = _servable(
    "sketcher",
    GENERATE,
    GENERATE_BEST,
    COMPLETE,
    COMPLETE_BEST,
    RECONSTRUCT,
    ENCODE,
    DECODE,
    LABELS,
)
DEFAULT = GENERATE  # of `sketcher`; also called `serving_default`

# Opens a session, or replaces the one of that id. A client should choose a new
# random id each time: a call that it has given up may still arrive.
OPEN = Signature(
    "open",
    _tensors(
        session_id="int64",
        condition="float32 C",
        seed="int32 2",
        temperature="float32",
        strokes="float32 P 5",  # the points so far
        # None: the server draws them, from the prior or to suit the points.
        latents="float32 L",
    ),
    _tensors(
        instance_id="int64",
        latents="float32 Z",
        length="int32",  # points taken over
    ),
)
# Draws up to `num_points` points more. With fewer, or `finished`, there are no
# more to come. The steps of a session are counted from 0; the last one may be
# repeated and gives its answer again, whatever `num_points` then is.
STEP = Signature(
    "step",
    _tensors(session_id="int64", step="int64", num_points="int32"),
    _tensors(
        strokes="float32 K 5",  # the new points, without the end token
        finished="bool",  # the end token has been drawn
        length="int32",  # points so far, in all
        instance_id="int64",
    ),
)
CLOSE = Signature(
    "close",
    _tensors(session_id="int64"),
    _tensors(closed="bool"),  # false: there was none
)
STATS = Signature(
    "stats",
    (),
    _tensors(
        # Another one after every start and reload: sessions of old are gone.
        instance_id="int64",
        capacity="int64",
        open="int64",  # sessions in the table
        opened="int64",  # sessions ever opened
        evicted="int64",  # sessions that had to make room, least recent first
    ),
)

# As `LABELS`: the two servables of an export are not loaded at once.
SESSION_LABELS = Signature("labels", (), _tensors(metadata="string"))

SKETCHER_SESSION = _servable(
    "sketcher_session", OPEN, STEP, CLOSE, STATS, SESSION_LABELS
)
SERVABLES = (SKETCHER, SKETCHER_SESSION)


@dataclass(frozen=True)
class Metadata:
    """What `labels` tells of a model.

    Attributes:
        schema: the conditions, scale and limits, as `Schema.to_json` has them.
        condition_size: C.
        latent_size: Z.
        config: the settings of model and training, as `Config.to_json`.
        training: the run it comes from: its name and, as far as is known, the
            epoch and the validation loss.
        fingerprint: of the model; servables with the same one draw the same.
        contract: the version of this contract.
    """

    schema: Mapping[str, Any]
    condition_size: int
    latent_size: int
    config: Mapping[str, Any]
    training: Mapping[str, Any]
    fingerprint: str = ""
    contract: int = VERSION

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that the model fixes, by name."""
        return {
            "T": self.schema["max_seq_len"] + 1,
            "C": self.condition_size,
            "Z": self.latent_size,
            "S": self.schema["image_size"],
        }

    @property
    def has_critic(self) -> bool:
        """Whether it can draw with tries: it has several words to tell."""
        several = any(len(f["values"]) > 1 for f in self.schema["factors"])
        return several and bool(
            self.config.get("model", {}).get("critic_units")
        )

    def dumps(self) -> str:
        """As JSON text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> "Metadata":
        """Inverse of `dumps`.

        Raises:
            ValueError: it is of another version of the contract.
        """
        values = json.loads(text)
        if values.get("contract") not in READABLE:
            raise ValueError(
                f"a model must follow version {' or '.join(map(str, READABLE))}"
                " of the contract; "
                f"received {values.get('contract')!r}. Export it anew, or use "
                "the client of that version."
            )
        return cls(**values)
