"""Which version answers, and what it knows: two models, loaded one by one.

A server loads another version whenever it likes, and each of the two servables
for itself. Here are the labels of both, as they were last seen, and what to do
when an answer shows that they are out of date.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from sketcher_tf import contract
from sketcher_tf.client.calls import Answer, Caller, Choice, Sleep, Task
from sketcher_tf.client.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    ServingError,
    VersionChangedError,
)
from sketcher_tf.client.retry import Deadline, Timeout
from sketcher_tf.client.types import Labels

# How labels are asked for, by servable: signature, inputs, sizes.
_LABELS = {
    contract.SKETCHER.name: (
        contract.LABELS,
        {"row": np.zeros(1, np.int32)},
        {"B": 1},
    ),
    contract.SKETCHER_SESSION.name: (contract.SESSION_LABELS, {}, {}),
}

_NO_VERSION = 0  # theirs begin with 1

T = TypeVar("T")


class Versions:
    """The labels of a server's models.

    Args:
        caller: makes single calls.
        choice: the version or label that the user wants.
    """

    def __init__(self, caller: Caller, choice: Choice) -> None:
        self._caller = caller
        self._choice = choice
        self._labels: dict[str, Labels] = {}  # by servable, as last seen

    def consistently(
        self,
        work: Callable[[Labels], Task[T]],
        allowed: Deadline | Timeout,
        servable: contract.Servable = contract.SKETCHER,
    ) -> Task[T]:
        """Does `work` with the labels of the version that answers.

        The labels are kept from call to call. When the server has loaded
        another version since, the answer shows it; or a condition no longer
        fits, or has a word that only the new version knows. Then the work is
        done again with the new labels. A model with other words, seen from
        here:

            labels      version 1: cat, pig       kept
            generate    INVALID_SHAPE             version 2 is loaded by now
            labels      version 2: cat, pig, owl
            generate    a drawing by version 2

        The two servables of a model are loaded one after the other, so what
        sessions refuse may be right in a moment, as long as the fingerprints
        of the two are not the same.

        Args:
            work: makes a task from labels.
            allowed: a deadline, for all of it; or a timeout for each call, and
                for how long to begin anew after the first failure.
            servable: whose labels.

        Raises:
            VersionChangedError: again and again.
        """
        until: Deadline | None = None
        failures = 0
        while True:
            labels = self._labels.get(servable.name) or (
                yield from self.newest_labels(servable, allowed)
            )
            try:
                return (yield from work(labels))
            except (
                VersionChangedError,
                InvalidArgumentError,
                ValueError,
            ) as error:
                failures += 1
                until = until or allowed.for_call()
                final = yield from self._is_final(
                    error, servable, labels, allowed
                )
                delay = self._caller.backoff.delay(failures, self._caller.rng)
                if final or delay >= until.left:
                    raise
            yield Sleep(delay)

    def _is_final(
        self,
        error: Exception,
        servable: contract.Servable,
        labels: Labels,
        allowed: Deadline | Timeout,
    ) -> Task[bool]:
        """Whether what failed with these labels will fail with the next ones.

        Raises:
            ServingError: there are no labels to be had.
            ValueError: there are none, and this is `error`.
        """
        try:
            newest = yield from self.newest_labels(servable, allowed)
            if (
                isinstance(error, VersionChangedError)
                or newest.version != labels.version
                or newest.version == _NO_VERSION
            ):
                return False
            if servable is contract.SKETCHER:
                return True
            whole = yield from self.newest_labels(contract.SKETCHER, allowed)
        except ServingError as unknown:
            if isinstance(error, ValueError):
                raise error from unknown  # it tells the user more
            raise
        return whole.metadata.fingerprint == newest.metadata.fingerprint

    def newest_labels(
        self, servable: contract.Servable, allowed: Deadline | Timeout
    ) -> Task[Labels]:
        """What the version knows that is served now.

        Raises:
            ServingError: it cannot be had.
        """
        signature, inputs, sizes = _LABELS[servable.name]
        try:
            answer = yield from self._caller.predict(
                servable,
                signature,
                inputs,
                self._choice,
                allowed.for_call(),
                sizes=sizes,
                fault=_fault_of_labels,
            )
        except FailedPreconditionError:
            if servable is contract.SKETCHER:
                raise
            labels = yield from self._labels_for_sessions(allowed)
        else:
            labels = Labels(answer.version, _metadata(answer))
        self._labels[servable.name] = labels
        return labels

    def _labels_for_sessions(self, allowed: Deadline | Timeout) -> Task[Labels]:
        """Of the other servable: version 1 of the contract has no others.

        They are of no version if the two servables are not of the same one.
        """
        labels = yield from self.newest_labels(contract.SKETCHER, allowed)
        sessions = yield from self._caller.predict(
            contract.SKETCHER_SESSION,
            contract.STATS,
            {},
            self._choice,
            allowed.for_call(),
        )
        if sessions.version != labels.version:
            return Labels(_NO_VERSION, labels.metadata)
        return labels


def _metadata(answer: Answer) -> contract.Metadata:
    return contract.Metadata.loads(answer.outputs["metadata"].item().decode())


def _fault_of_labels(answer: Answer) -> str:
    """Why these are no labels; "" if they are."""
    try:
        _metadata(answer)
    except (ValueError, TypeError) as error:
        return str(error)
    return ""
