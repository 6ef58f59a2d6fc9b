"""What a prepared folder says of itself.

No TensorFlow here.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sketcher_tf.files import exists
from sketcher_tf.schema import Schema

SCHEMA_FILE = "schema.json"
SPLITS = ("train", "valid", "test")
# Of the records. Folders of version 1 had PNG images.
VERSION = 2


@dataclass(frozen=True)
class Split:
    """One split: its shards (file names) and its drawings by point count."""

    shards: tuple[str, ...]
    lengths: Mapping[int, int]

    @property
    def count(self) -> int:
        """The number of drawings."""
        return sum(self.lengths.values())


@dataclass(frozen=True)
class Manifest:
    """All that `schema.json` says of a prepared folder.

    Attributes:
        schema: what a model needs to know.
        splits: `train`, `valid` and `test`.
        counts: drawings per split and value of the first factor.
        skipped: bad rows by cause.
        notes: rows that were changed to be of use, by what was done.
        examples: cause or note -> the first place, and what is wrong there.
        sources: where the drawings came from.
        attribution: whom to name.
        version: of the records.
    """

    schema: Schema
    splits: Mapping[str, Split]
    counts: Mapping[str, Mapping[str, int]]
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    attribution: str = ""
    version: int = VERSION

    def dumps(self) -> str:
        """As JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> "Manifest":
        """Inverse of `dumps`."""
        values = {"version": 1, **json.loads(text)}
        splits = {
            name: Split(
                tuple(split["shards"]),
                {int(n): count for n, count in split["lengths"].items()},
            )
            for name, split in values["splits"].items()
        }
        return cls(
            **{
                **values,
                "schema": Schema.from_json(values["schema"]),
                "splits": splits,
                "sources": tuple(values["sources"]),
            }
        )


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds what preparing writes, and nothing else.

    A run folder has a schema too.
    """
    if not exists(folder / SCHEMA_FILE):
        return False
    others = {path.name for path in folder.glob("*")} - {SCHEMA_FILE}
    return all(
        name.startswith(SPLITS) and name.endswith(".tfrecord")
        for name in others
    )


def read_manifest(folder: Path) -> Manifest:
    """What a prepared folder says of itself.

    Raises:
        ValueError: it was prepared by another version of the project.
    """
    manifest = Manifest.loads((folder / SCHEMA_FILE).read_text())
    if manifest.version != VERSION:
        raise ValueError(
            f"prepared data must be of version {VERSION}; received {folder} of "
            f"version {manifest.version}. Prepare its sources anew: "
            f"{', '.join(manifest.sources) or 'they are not recorded'}."
        )
    return manifest
