"""Writes a model as the Hugging Face hub wants it: weights, card and picture.

    sketcher share crabs --model=runs/crabs --license=cc-by-4.0
    hf upload USER/crabs crabs .

The folder holds what Keras reads (config.json, metadata.json and the weights in
float16, model.weights.h5), a card (README.md) to be completed by hand, and a
sheet of sketches. From the hub, `sketcher draw --model=hf://USER/crabs` draws.
"""

import logging
import re
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from sketcher_tf import rendering
from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.data.manifest import Manifest
from sketcher_tf.schema import Schema
from sketcher_tf.training.run_folder import (
    RunFolder,
    best_epoch,
    model_file,
    read_history,
)

if TYPE_CHECKING:
    from sketcher_tf.sketcher import Sketcher

COMMAND = Command("sketcher share", __doc__, extra="tf")
_MODEL = COMMAND.define_model()
_LICENSE = flags.DEFINE_string(
    "license",
    None,
    "Of the model, as the hub names it, e.g. apache-2.0 or cc-by-4.0; by "
    "default the card leaves it open.",
    flag_values=COMMAND.flags,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "The folder to write, new or empty; it may also stand without the flag.",
    flag_values=COMMAND.flags,
)

_SHEET = "sketches.png"
_SHEET_WORDS, _SHEET_COLUMNS = 8, 8
_CARD = """---
library_name: keras
{license}tags:
- sketch
- drawing
- sketch-rnn
---

# {name}

It draws by strokes: a variational autoencoder after Sketch-RNN (Ha, Eck 2017)
and AI-Sketcher (Cao, Yan, Shi and Chen 2019) with {parameters:,} weights.

![Sketches](./{sheet})

```python
import sketcher_tf as sk

sketcher = sk.Sketcher.load("hf://USER/{name}")
sketcher.generate("{word}", count=8)
```

## What it knows

{factors}

Drawings have up to {max_seq_len} points.

## How it was trained

{training}

## Limits

To be completed: which words it draws badly, what it has not seen, and what it
should not be used for.
"""


def share(
    sketcher: "Sketcher", file: Path, folder: Path, license_id: str | None
) -> None:
    """Writes a folder that can be uploaded to the Hugging Face hub.

    Args:
        sketcher: the model.
        file: where it was loaded from; its run tells how it was trained.
        folder: new or empty.
        license_id: as the hub names it; None leaves it open.

    Raises:
        ValueError: the folder has something in it, or a weight is too large
            for float16.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(
            "the folder of a shared model must be new or empty; received "
            f"{folder}. Name another one; --model names the model."
        )
    folder.mkdir(parents=True, exist_ok=True)
    _write_model(sketcher, folder)
    words = sketcher.schema.words[:_SHEET_WORDS]
    rows = {word: sketcher.generate(word, _SHEET_COLUMNS) for word in words}
    rendering.save(rows, folder / _SHEET)
    card = _CARD.format(
        license=f"license: {license_id}\n" if license_id else "",
        name=folder.resolve().name,
        parameters=sketcher.model.count_params(),
        sheet=_SHEET,
        word=words[0],
        factors=_describe_factors(sketcher.schema),
        max_seq_len=sketcher.schema.max_seq_len,
        training=_describe_training(RunFolder(file.parent)),
    )
    (folder / "README.md").write_text(card, "utf-8")


def _write_model(sketcher: "Sketcher", folder: Path) -> None:
    """What is in a .keras file, side by side."""
    from .halving import save_half

    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / "half.keras"
        save_half(sketcher.model, archive)
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder)


def _describe_factors(schema: Schema) -> str:
    return "\n\n".join(
        f"{len(factor.values)} values of `{factor.name}`: "
        + ", ".join(factor.values)
        for factor in schema.factors
    )


def _describe_training(run: RunFolder) -> str:
    """What the run says of data and losses, as far as there is one."""
    sentences = []
    if run.schema.exists():
        manifest = Manifest.loads(run.schema.read_text("utf-8"))
        counts = ", ".join(
            f"{split.count:,} to {purpose}"
            for purpose, split in zip(
                ("train", "validate", "test"),
                (manifest.splits[n] for n in ("train", "valid", "test")),
                strict=True,
            )
        )
        sentences.append(f"Drawings: {counts}. {manifest.attribution}".rstrip())
    if rows := read_history(run.history):
        row = rows[best_epoch(rows)]
        sentences.append(
            f"Epoch {row['epoch'] + 1} of {len(rows)}, with the lowest "
            f"validation loss, {row['val_loss']:.4f} nats."
        )
    return "\n\n".join(sentences) or "To be completed."


def main(arguments: list[str]) -> None:
    """Flags -> one library call."""
    folder = _folder(arguments)
    if _LICENSE.value and not re.fullmatch(r"[a-z0-9.-]+", _LICENSE.value):
        raise ValueError(
            "a licence must be named as the Hugging Face hub does; received "
            f"{_LICENSE.value!r}. Write for example --license=apache-2.0."
        )
    from sketcher_tf.sketcher import Sketcher

    file = model_file(_MODEL.value)
    share(Sketcher.load(file), file, folder, _LICENSE.value)
    logging.info(
        "Wrote %s. Complete its README.md, then: hf upload USER/%s %s .",
        folder,
        folder.resolve().name,
        folder,
    )


def _folder(arguments: list[str]) -> Path:
    """The folder to write, by flag or by itself."""
    named = [*([_OUTPUT.value] if _OUTPUT.value else []), *arguments]
    if not named:
        raise ValueError(
            "a folder to write must be named; received none. Write for example "
            "sketcher share crabs."
        )
    refuse_arguments(named[1:], "--model=runs/crabs")
    return Path(named[0])


if __name__ == "__main__":
    COMMAND.run(main)
