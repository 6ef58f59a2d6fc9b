"""The client on the command line; run it as `python -m serving.client`.

python -m serving.client generate --category=cat --output=cat.svg
python -m serving.client complete half.ndjson --count=8
python -m serving.client reconstruct cats.ndjson
python -m serving.client interpolate one.ndjson other.ndjson
python -m serving.client live --category=cat
python -m serving.client labels
"""

import argparse
import json
import logging
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sketcher_tf import rendering
from sketcher_tf.client.channel import Tls
from sketcher_tf.client.errors import ServingError
from sketcher_tf.client.operations import DEFAULT_TEMPERATURE
from sketcher_tf.data.formats.checks import Rules
from sketcher_tf.data.formats.placement import Placement, parse_canvas
from sketcher_tf.data.formats.reading import read_sketches
from sketcher_tf.sketches import Sketch

_LIMIT = 10  # drawings of a file, from its start


def run(connect: Callable[..., Any], argv: Sequence[str] | None = None) -> None:
    """Does what the arguments say.

    Args:
        connect: makes a `SketcherClient`.
        argv: the arguments; by default those of the process.

    Raises:
        SystemExit: with a line that says what went wrong.
    """
    args = _parser().parse_args(argv)
    logging.basicConfig(format="%(message)s")
    if "seed" in args and args.seed is None:
        args.seed = secrets.randbelow(2**31)
    try:
        if "output" in args and args.output:
            rendering.encoder(Path(args.output))  # before any work is done
        with connect(
            args.target,
            tls=_tls(args),
            version=args.version,
            label=args.label,
            timeout=args.timeout,
            session_target=args.session_target,
        ) as client:
            args.command(client, args)
    except (ServingError, ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error


def _generate(client: Any, args: argparse.Namespace) -> None:
    words = args.category or client.labels().words
    sheet = {
        word: client.generate(word, args.count, args.temperature, args.seed)
        for word in words
    }
    _save(sheet, args)


def _complete(client: Any, args: argparse.Namespace) -> None:
    options = args.category, args.count, args.temperature, args.seed
    sheet = {
        f"{args.category or sketch.category} {i + 1}": client.complete(
            sketch, *options
        )
        for i, sketch in enumerate(_read(client, args, args.file, whole=False))
    }
    _save(sheet, args)


def _reconstruct(client: Any, args: argparse.Namespace) -> None:
    given = _read(client, args, args.file)
    drawn = client.reconstruct(
        given, args.category, args.temperature, args.seed
    )
    alone = args.output.endswith((".ndjson", ".json", ".npz"))  # no labels
    _save({"drawn": drawn} if alone else {"given": given, "drawn": drawn}, args)


def _interpolate(client: Any, args: argparse.Namespace) -> None:
    first, last = (_read(client, args, file)[0] for file in args.files)
    walk = client.interpolate(
        first, last, args.count, args.temperature, args.seed
    )
    _save({"": walk}, args)


def _live(client: Any, args: argparse.Namespace) -> None:
    drawing = client.draw_live(args.category, args.temperature, args.seed)
    for point in drawing:
        print(json.dumps(point._asdict()), flush=True)
    if args.output:
        _save({args.category: [drawing.sketch]}, args)


def _labels(client: Any, args: argparse.Namespace) -> None:
    labels = client.labels()
    print(f"version {labels.version}")
    for factor in labels.schema.factors:
        print(f"{factor.name}: {', '.join(factor.values)}")
    for name, value in labels.metadata.training.items():
        print(f"{name}: {value}")


def _read(
    client: Any, args: argparse.Namespace, file: str, whole: bool = True
) -> list[Sketch]:
    """Drawings of a file for the server's model."""
    schema = client.labels().schema
    placement = Placement(
        canvas=parse_canvas(args.canvas), fit=args.fit, whole=whole
    )
    return read_sketches(
        file,
        _LIMIT,
        Rules.of_model(schema, placement),
        words=schema.words,
        strict=args.strict,
    )


def _save(sheet: rendering.Sheet, args: argparse.Namespace) -> None:
    [path] = rendering.save(sheet, Path(args.output))
    print(f"drew {path} with --seed={args.seed}", file=sys.stderr)


def _tls(args: argparse.Namespace) -> Tls | None:
    if args.tls or args.ca or args.certificate or args.key:
        return Tls.from_files(args.ca, args.certificate, args.key)
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.client",
        description="Sketches from a server.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    generate = _add(commands, "generate", _generate, "draw new sketches")
    generate.add_argument(
        "--category",
        action="append",
        help="a word of the model, or a blend like cat*0.5+pig*0.5; several "
        "times for several rows; by default all words",
    )
    _count_option(generate, 10, "sketches per category")
    _drawing_options(generate)

    complete = _add(commands, "complete", _complete, "continue drawings")
    complete.add_argument("file", help="drawings, of any format")
    complete.add_argument("--category", help="instead of the file's")
    _count_option(complete, 10, "ways to continue each")
    _reading_options(complete)
    _drawing_options(complete)

    reconstruct = _add(
        commands, "reconstruct", _reconstruct, "encode and draw anew"
    )
    reconstruct.add_argument("file", help="drawings, of any format")
    reconstruct.add_argument("--category", help="instead of the file's")
    _reading_options(reconstruct)
    _drawing_options(reconstruct)

    interpolate = _add(
        commands, "interpolate", _interpolate, "walk from one to another"
    )
    interpolate.add_argument("files", nargs=2, help="a drawing each")
    _count_option(interpolate, 10, "steps, both ends included")
    _reading_options(interpolate)
    _drawing_options(interpolate, temperature=0.0)

    live = _add(commands, "live", _live, "print points as they are drawn")
    live.add_argument("--category", required=True, help="a word of the model")
    _drawing_options(live, output=None)

    _add(commands, "labels", _labels, "tell what the model knows")
    return parser


def _add(
    commands: Any,
    name: str,
    command: Callable[[Any, argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    """A command with what all of them take."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    parser.add_argument("--target", default="localhost:8500", help="host:port")
    parser.add_argument(
        "--session_target", help="of live drawing, if that is served elsewhere"
    )
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds")
    parser.add_argument("--version", type=int, help="of the model")
    parser.add_argument("--label", help="of a version")
    parser.add_argument(
        "--tls",
        action="store_true",
        help="speak TLS, by the usual authorities; the files below imply it",
    )
    parser.add_argument("--ca", help="PEM file: who vouches for the server")
    parser.add_argument("--certificate", help="PEM file, for mutual TLS")
    parser.add_argument("--key", help="PEM file, of the certificate")
    return parser


def _count_option(
    parser: argparse.ArgumentParser, default: int, text: str
) -> None:
    parser.add_argument(
        "--count", type=int, default=default, help=f"{text}; {default}"
    )


def _reading_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--canvas",
        help="WIDTHxHEIGHT that the drawings were drawn on, in their units",
    )
    parser.add_argument(
        "--fit",
        action="store_true",
        help="scale each drawing to full size, wherever it was",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="make the first unusable drawing an error",
    )


def _drawing_options(
    parser: argparse.ArgumentParser,
    temperature: float = DEFAULT_TEMPERATURE,
    output: str | None = "sketches.png",
) -> None:
    parser.add_argument(
        "--temperature",
        type=float,
        default=temperature,
        help="0 is greedy, 1 the model's own; by default %(default)s",
    )
    parser.add_argument("--seed", type=int, help="the same seed draws the same")
    parser.add_argument(
        "--output",
        default=output,
        help=".png, .svg, .animated.svg, .gif, .ndjson, .json, .npz or .hpgl",
    )
