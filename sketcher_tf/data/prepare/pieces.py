"""A set in pieces: what one worker reads at a time.

Which pieces there are depends on the sources alone, not on the workers, and
what is prepared does not depend on the pieces.

No TensorFlow here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import Drawing, SkipReport
from sketcher_tf.data.formats.reading import SourceFile, read_files
from sketcher_tf.data.synthetic import doodles, faces

# Sets that the project draws itself.
DRAWN = {"doodles": doodles.doodles, "faces": faces.faces}

# Of a piece. Small enough for every worker to have some, and so that little
# is lost when one is cut off; large enough not to be too many.
_PIECES = 64
_MIN_BYTES, _MAX_BYTES = 2**18, 2**25
_MAX_FILES = 1000


class Piece(Protocol):
    """A part of a set that can be sent to another process."""

    @property
    def size(self) -> int:
        """In bytes of the sources, to measure progress by."""

    def drawings(self, report: SkipReport) -> Iterator[Drawing]:
        """Reads the drawings; counts what is none in `report`."""


@dataclass(frozen=True)
class DrawnPiece:
    """A set that the project draws itself: one of `DRAWN`."""

    name: str
    size: int = 1

    def drawings(self, report: SkipReport) -> Iterator[Drawing]:
        return DRAWN[self.name]()


@dataclass(frozen=True)
class FilesPiece:
    """Files and parts of files.

    Attributes:
        files: in the order they are read.
        rules: which drawings are taken.
        factors: what the label vectors of an npz mean, (name, size) each.
    """

    files: tuple[SourceFile, ...]
    rules: Rules
    factors: tuple[tuple[str, int], ...] | None

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def drawings(self, report: SkipReport) -> Iterator[Drawing]:
        intake = Intake(self.rules, report)
        return read_files(self.files, intake, self.factors)


def cut_files(
    files: Sequence[SourceFile],
    rules: Rules,
    factors: tuple[tuple[str, int], ...] | None = None,
) -> Iterator[FilesPiece]:
    """Cuts large files into several pieces, and puts small ones into one.

    Args:
        files: of `find_files`.
        rules: which drawings are taken.
        factors: what the label vectors of an npz mean, (name, size) each.
    """
    total = sum(file.size for file in files)
    size = min(max(total // _PIECES, _MIN_BYTES), _MAX_BYTES)
    parts: list[SourceFile] = []
    read = 0
    for part in (part for file in files for part in file.parts(size)):
        parts.append(part)
        read += part.size
        if read >= size or len(parts) >= _MAX_FILES:
            yield FilesPiece(tuple(parts), rules, factors)
            parts, read = [], 0
    if parts:
        yield FilesPiece(tuple(parts), rules, factors)
