"""The trained models as Magenta publishes them, read into NumPy arrays.

- For JavaScript: JSON of `[info, shapes, weights]`, the weights in base64 as
  int16, of which 32767 stands for 10; decoders only, LSTM.
- For TensorFlow: a checkpoint `vector` beside `model_config.json`, as a folder
  or a zip.

The formats are those of the public sources of magenta-js (`sketch_rnn`) and
magenta (`models/sketch_rnn`).
"""

import base64
import json
import tempfile
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

_URL = (
    "https://storage.googleapis.com/quickdraw-models/sketchRNN/models/"
    "{}.gen.json"
)
_PREFIX = "quickdraw:"
_MAX_WEIGHT = 10.0  # what the largest int16 stands for
_TIMEOUT_S = 60

_WEIGHTS = ("output_w", "output_b", "W_xh", "W_hh", "bias")


@dataclass(frozen=True)
class Published:
    """A trained model.

    Attributes:
        name: what it draws.
        settings: hyperparameters, by Magenta's names.
        weights: by Magenta's names of variables; those of the decoder's cell
            are below `RNN/`, of the encoder's below `ENC_RNN/`.
    """

    name: str
    settings: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]


def read_published(source: str) -> Published:
    """Reads a model.

    Args:
        source: a file for JavaScript, a checkpoint's folder or zip, or
            `quickdraw:bird`, which is downloaded.

    Raises:
        ValueError: it is none of them.
        OSError: it cannot be read.
    """
    if source.startswith(_PREFIX):
        word = source.removeprefix(_PREFIX)
        url = _URL.format(urllib.parse.quote(word.replace(" ", "_")))
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            return from_javascript(answer.read(), source)
    path = Path(source)
    if path.is_dir():
        return from_checkpoint(path)
    if zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            return from_checkpoint(Path(folder))
    return from_javascript(path.read_bytes(), source)


def from_javascript(data: bytes, source: str) -> Published:
    """A decoder for JavaScript.

    Raises:
        ValueError: the bytes are something else.
    """
    try:
        info, shapes, texts = json.loads(data)
        arrays = [
            np.frombuffer(base64.b64decode(text), "<i2").reshape(shape)
            for text, shape in zip(texts, shapes, strict=True)
        ]
        weights = dict(zip(_WEIGHTS, arrays, strict=True))
        units, outputs = weights["output_w"].shape
        settings = {
            "conditional": False,
            "dec_model": "lstm",
            "dec_rnn_size": units,
            "num_mixture": (outputs - 3) // 6,
            "max_seq_len": int(info["max_seq_len"]),
        }
        name = str(info.get("name") or Path(source).name.partition(".")[0])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            "a model must be a Sketch-RNN decoder for JavaScript (.gen.json) "
            "or a checkpoint of Magenta's (a folder or zip with "
            f"model_config.json); received {source}: {error}."
        ) from error
    return Published(
        name,
        settings,
        {
            f"RNN/{key}": array.astype(np.float32) * (_MAX_WEIGHT / 32767)
            for key, array in weights.items()
        },
    )


def from_checkpoint(folder: Path) -> Published:
    """A checkpoint of TensorFlow's.

    Raises:
        ValueError: there is none in the folder.
    """
    configs = sorted(folder.rglob("model_config.json"))
    if not configs:
        raise ValueError(
            "a checkpoint of Sketch-RNN must have a model_config.json; "
            f"received {folder}, which has none."
        )
    indices = sorted(configs[0].parent.glob("*.index"))
    if not indices:
        raise ValueError(
            "a checkpoint must have an .index and a .data file; received "
            f"{configs[0].parent}, which has none."
        )
    settings = json.loads(configs[0].read_text())
    reader = tf.train.load_checkpoint(str(indices[-1].with_suffix("")))
    sets = settings.get("data_set") or [folder.name]
    names = [Path(name).name.partition(".")[0] for name in sets]
    return Published(
        " and ".join(names),
        settings,
        {
            name.removeprefix("vector_rnn/"): reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()
            if "Adam" not in name
        },
    )
