"""Draws with the model of a server.

    sketcher client --category=cat --output=cat.svg
    sketcher client --complete=half.ndjson --count=8
    sketcher client --reconstruct=cats.ndjson
    sketcher client --interpolate one.ndjson other.ndjson
    sketcher client --live --category=cat
    sketcher client --labels --target=host:8500

The flags are those of `sketcher draw`, and some that say where the server is.
"""

import json
import logging
from collections.abc import Callable

from absl import flags

from sketcher_tf.cli import Command
from sketcher_tf.cli.drawing import DrawingFlags
from sketcher_tf.cli.reading import ReadingFlags
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.channel import Tls
from sketcher_tf.client.errors import ServingError
from sketcher_tf.client.types import Labels

COMMAND = Command("sketcher client", __doc__, errors=(ServingError,))
_DRAWING = DrawingFlags(
    COMMAND.flags,
    ReadingFlags(COMMAND.flags, words=False),
    walk_temperature=0.0,
)
_LIVE = flags.DEFINE_bool(
    "live",
    False,
    "Print the points of one sketch, as JSON, while they are drawn.",
    flag_values=COMMAND.flags,
)
_LABELS = flags.DEFINE_bool(
    "labels", False, "Print what the model knows.", flag_values=COMMAND.flags
)
_TARGET = flags.DEFINE_string(
    "target",
    "localhost:8500",
    "The server, host:port.",
    flag_values=COMMAND.flags,
)
_SESSION_TARGET = flags.DEFINE_string(
    "session_target",
    None,
    "That of live drawing, if it is another one.",
    flag_values=COMMAND.flags,
)
_TIMEOUT = flags.DEFINE_float(
    "timeout", 60.0, "Seconds per call.", flag_values=COMMAND.flags
)
_VERSION = flags.DEFINE_integer(
    "version", None, "Of the model.", flag_values=COMMAND.flags
)
_LABEL = flags.DEFINE_string(
    "label", None, "Of a version of the model.", flag_values=COMMAND.flags
)
_TLS = flags.DEFINE_bool(
    "tls",
    False,
    "Speak TLS, by the usual authorities; the files below imply it.",
    flag_values=COMMAND.flags,
)
_CA = flags.DEFINE_string(
    "ca",
    None,
    "PEM file: who vouches for the server.",
    flag_values=COMMAND.flags,
)
_CERTIFICATE = flags.DEFINE_string(
    "certificate", None, "PEM file, for mutual TLS.", flag_values=COMMAND.flags
)
_KEY = flags.DEFINE_string(
    "key", None, "PEM file, of the certificate.", flag_values=COMMAND.flags
)


def main(
    arguments: list[str],
    connect: Callable[..., SketcherClient] = SketcherClient,
) -> None:
    """Flags -> calls to a server -> files.

    Args:
        arguments: what is no flag: the second file of --interpolate, or a
            command in words, see `_in_flags`.
        connect: makes the client.
    """
    arguments = _in_flags(arguments)
    _DRAWING.check(arguments)
    with connect(
        _TARGET.value,
        tls=_tls(),
        version=_VERSION.value,
        label=_LABEL.value,
        timeout=_TIMEOUT.value,
        session_target=_SESSION_TARGET.value,
    ) as client:
        if _LIVE.value:
            _draw_live(client)
        elif _LABELS.value:
            _print_labels(client.labels())
        else:
            _draw(client, arguments)


def _in_flags(arguments: list[str]) -> list[str]:
    """Sets the flags that words stand for, and returns the other words.

    `generate`, `complete FILE`, `reconstruct FILE`, `interpolate FILE FILE`,
    `live` and `labels` are an older way to write the flags of these names.
    """
    match arguments:
        case ["generate", *rest]:
            return rest
        case ["live" | "labels" as name, *rest]:
            COMMAND.flags[name].value = True
            return rest
        case ["complete" | "reconstruct" | "interpolate" as name, file, *rest]:
            COMMAND.flags[name].value = file
            return rest
    return arguments


def _draw(client: SketcherClient, arguments: list[str]) -> None:
    schema = client.labels().schema
    if _DRAWING.lists_words:
        print(*schema.words, sep="\n")
        return
    seed = _DRAWING.seed
    _DRAWING.save(_DRAWING.draw(client, schema, seed, arguments), seed)


def _draw_live(client: SketcherClient) -> None:
    if len(_DRAWING.category.value) != 1:
        raise ValueError(
            "--live draws one category; received "
            f"{_DRAWING.category.value}. Write for example --category=cat."
        )
    [category] = _DRAWING.category.value
    seed = _DRAWING.seed
    drawing = client.draw_live(category, _DRAWING.temperature, seed)
    for point in drawing:
        print(json.dumps(point._asdict()), flush=True)
    if COMMAND.flags["output"].present:
        _DRAWING.save({category: [drawing.sketch]}, seed)
    else:
        logging.info("Drew with --seed=%d", seed)


def _print_labels(labels: Labels) -> None:
    print(f"version {labels.version}")
    for factor in labels.schema.factors:
        print(f"{factor.name}: {', '.join(factor.values)}")
    for name, value in labels.metadata.training.items():
        print(f"{name}: {value}")


def _tls() -> Tls | None:
    files = _CA.value, _CERTIFICATE.value, _KEY.value
    return Tls.from_files(*files) if _TLS.value or any(files) else None
