"""The evaluation as one HTML file that needs nothing else, not even a network.

Pictures are inline SVG; style and scripts are in the page. The layout is in
`templates/`.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import jinja2

from sketcher_tf import rendering
from sketcher_tf.evaluation.evaluation import Evaluation, Gallery
from sketcher_tf.evaluation.models import REAL
from sketcher_tf.evaluation.samples import first_half
from sketcher_tf.sketches import Sketch

_PER_ROW = 8  # drawings of a word and source
# Titles of what `Samples.redrawn` holds.
_REDRAWN = "auto-encoded", "completed", "completed after another hand"
_CELL, _LARGE = 96, 256  # pixels
_RATED = 30  # drawings per source on the rating page, about; words at most
_NONE = "\N{EN DASH}"

PlainEstimate = dict[str, float | None]


def render(evaluation: Evaluation) -> str:
    """The report, as text of an HTML file."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sketcher_tf.evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "svg": _svg,
        "percent": _percent,
        "number": _number,
        "ends": _ends,
        "interval": _interval,
        "bits": _bits,
        "p_value": _p_value,
    }
    results, gallery = evaluation.results, evaluation.gallery
    words = list(results["real"]["diversity"]["words"])
    return environment.get_template("report.html").render(
        results=results,
        models=results["models"],
        words=words,
        sheets={word: _sheet(gallery, words, word) for word in words},
        given={word: _given(gallery, words, word) for word in words},
        nearest=_nearest(gallery),
        blends={name: drawn.blends for name, drawn in gallery.samples.items()},
        rating={
            "id": _identity(results),
            "sources": [REAL, *gallery.samples],
            "items": _rated(gallery, words),
        },
    )


def _sheet(
    gallery: Gallery, words: Sequence[str], word: str
) -> dict[str, Sequence[Sketch]]:
    """A few drawings of a word from each source."""
    real = [gallery.held_out[row] for row in _of_word(gallery, words, word)]
    return {
        REAL: real[:_PER_ROW],
        **{
            name: drawn.generated[word][:_PER_ROW]
            for name, drawn in gallery.samples.items()
        },
    }


def _given(
    gallery: Gallery, words: Sequence[str], word: str
) -> dict[str, Sketch]:
    """A held-out drawing and what the models make of it; title -> drawing."""
    rows = _of_word(gallery, words, word)
    if not rows:
        return {}
    whole = gallery.held_out[rows[0]]
    drawn = {
        f"{name}: {what}": sketches[rows[0]]
        for name, drawn in gallery.samples.items()
        for what, sketches in zip(_REDRAWN, drawn.redrawn.values(), strict=True)
    }
    return {"whole": whole, "first half": first_half(whole), **drawn}


def _of_word(gallery: Gallery, words: Sequence[str], word: str) -> list[int]:
    number = words.index(word)
    return [i for i, target in enumerate(gallery.target) if number in target]


def _nearest(gallery: Gallery) -> dict[str, list[tuple[Sketch, Sketch]]]:
    """Model -> the first drawing of each word, and the nearest it has seen."""
    pairs: dict[str, list[tuple[Sketch, Sketch]]] = {}
    for name, drawn in gallery.samples.items():
        seen = iter(gallery.nearest[name])
        pairs[name] = []
        for row in drawn.generated.values():
            pairs[name].append((row[0], next(seen)))
            for _ in row[1:]:
                next(seen)
    return pairs


def _rated(gallery: Gallery, words: Sequence[str]) -> list[dict[str, str]]:
    """What the rating page shows: as many of each source, for each word.

    Of many words only some, evenly chosen: a reader's patience has its end.
    """
    number = min(_RATED, len(words))
    each = round(_RATED / number)
    items = []
    for word in (words[i * len(words) // number] for i in range(number)):
        sources = _sheet(gallery, words, word)
        count = min(each, *map(len, sources.values()))
        items += [
            {"word": word, "source": source, "svg": _svg(sketch, _LARGE)}
            for source, row in sources.items()
            for sketch in row[:count]
        ]
    return items


def _identity(results: dict[str, Any]) -> str:
    """Tells the ratings of one report from those of another."""
    text = json.dumps(results, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _svg(sketch: Sketch, size: int = _CELL) -> str:
    # What the drawing is of stands beside it; blind ratings must not tell more.
    untitled = Sketch(sketch.stroke3, "", sketch.finished)
    return rendering.to_svg(untitled, size)


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _number(value: float | None, digits: int = 2, scale: float = 1) -> str:
    return _NONE if value is None else f"{scale * value:.{digits}f}"


def _ends(estimate: PlainEstimate, digits: int = 2, scale: float = 1) -> str:
    """`[0.90, 0.95]`, times `scale`."""
    low, high = (
        _number(estimate[end], digits, scale) for end in ("low", "high")
    )
    return f"[{low}, {high}]"


def _interval(
    estimate: PlainEstimate, digits: int = 2, scale: float = 1
) -> str:
    """`0.93 [0.90, 0.95]`, times `scale`."""
    value = _number(estimate["value"], digits, scale)
    return f"{value} {_ends(estimate, digits, scale)}"


def _bits(spread: dict[str, Any] | None) -> str:
    return _interval(spread["mean"], 1) if spread else _NONE


def _p_value(p: float | None) -> str:
    """`< .001` or `= .123`."""
    if p is None:
        return _NONE
    return "< .001" if p < 0.001 else f"= {p:.3f}".replace("0.", ".", 1)
