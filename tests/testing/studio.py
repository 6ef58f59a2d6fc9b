"""The studio in a browser: a toy that draws, gestures, and what is seen."""

import dataclasses
import functools
import http.server
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import LocatorAssertions, Page, expect

from export.studio.server import running
from export.tflite import convert
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3
from tests.testing import toys
from tests.testing.browser import NEEDS_CHROMIUM
from tests.testing.exports import make_critical

NEEDS_BROWSER = [  # and builds the page for it
    NEEDS_CHROMIUM,
    pytest.mark.skipif(shutil.which("npm") is None, reason="install Node.js"),
]
SCHEMA: Schema = dataclasses.replace(toys.SCHEMA, max_seq_len=40)
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
RING = [
    (128 + 70 * np.cos(angle), 120 + 70 * np.sin(angle))
    for angle in np.linspace(0, 6, 30)
]

Places = Sequence[tuple[float, float]]
Lines = Sequence[np.ndarray]


def write_toy(path: Path) -> Path:
    """A model that draws until the paper is full."""
    model = make_critical(SCHEMA)
    bias = model.decoder.output_projection.bias
    bias.assign_add(-20 * np.eye(bias.shape[0])[2])  # the end's logit
    path.write_bytes(convert.finish(convert.convert(model), model, "none"))
    return path


@contextmanager
def plainly_served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A static host: its address, and the paths that are asked of it."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with running(server) as address:
        yield address, asked


def ready(page: Page) -> None:
    """Waits until the model can draw."""
    page.wait_for_selector("html[data-ready]")


def until(page: Page, condition: str) -> None:
    """Waits as `wait_for_function` does, but where a policy forbids `eval`."""
    end = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(50)


# Whether the browser has what is on the page: in a promise.
_IS_KEPT = """
new Promise(tell => {
  const scope = `studio ${new URL('./', location.href).pathname}`;
  const drawing = JSON.stringify(studio.chronicle);
  const model = document.querySelector('#model').value;
  const read = (store, key, then) =>
    { store.get(key).onsuccess = ({target}) => then(target.result); };
  indexedDB.open(scope).onsuccess = ({target: {result: database}}) => {
    const store = database.transaction('work').objectStore('work');
    read(store, 'newest', number => read(store, `work ${number}`, kept => {
      database.close();
      tell(kept?.model === model && JSON.stringify(kept.drawing) === drawing);
    }));
  };
})
"""


def reload(page: Page) -> None:
    """Reloads the page once the browser has kept what is on it."""
    until(page, _IS_KEPT)
    page.reload()
    ready(page)


def forget(page: Page, address: str) -> None:
    """Begins without the work that the browser has kept of a page."""
    page.goto(f"{address}icon-192.png")
    page.evaluate(
        "new Promise(done => "
        "{ indexedDB.deleteDatabase('studio /').onsuccess = done; })"
    )


def set_slider(page: Page, name: str, value: float) -> None:
    """Moves the slider with this id."""
    page.locator(f"#{name}").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent("
        "new Event('input', {bubbles: true})); }",
        value,
    )


def on_screen(page: Page, places: Places) -> np.ndarray:
    """Pixels of the paper as pixels of the page, float64 [N, 2]."""
    page.locator("#paper").scroll_into_view_if_needed()
    a, d, e, f = page.evaluate(
        "(() => { const {a, d, e, f} = document.querySelector('#paper')"
        ".getScreenCTM(); return [a, d, e, f]; })()"
    )
    return np.array(places, np.float64) * (a, d) + (e, f)


def draw(page: Page, places: Places) -> None:
    """A stroke with the mouse, in pixels of the paper."""
    first, *rest = on_screen(page, places)
    page.mouse.move(*first)
    page.mouse.down()
    for place in rest:
        page.mouse.move(*place)
    page.mouse.up()


def strokes(page: Page) -> list[dict]:
    """What is on the paper: `by` and `points` of each stroke."""
    return page.evaluate("studio.strokes")


def lines(page: Page) -> list[np.ndarray]:
    """The points of each stroke, float32 [N, 2]."""
    return [np.array(stroke["points"], np.float32) for stroke in strokes(page)]


def status(page: Page) -> LocatorAssertions:
    """What the page has said last, to expect something of."""
    return expect(page.locator("#status"))


def settled(page: Page) -> None:
    """Waits until the page says no more that it is at something."""
    until(page, "!/…$/.test(document.querySelector('#status').innerText)")


def agree(drawn: Lines, wanted: Lines) -> None:
    """Asserts that lines are the same but for rounding."""
    assert len(drawn) == len(wanted)
    size = np.ptp(np.concatenate(wanted), axis=0).max()
    for line, other in zip(drawn, wanted, strict=True):
        np.testing.assert_allclose(line, other, atol=1e-4 * size)


def full_size(polylines: Lines) -> Sketch:
    """At the origin, and 255 pixels on its longest side."""
    points = np.concatenate(polylines)
    scale = 255 / np.ptp(points, axis=0).max()
    low = points.min(axis=0)
    return Sketch(
        polylines_to_stroke3([(line - low) * scale for line in polylines])
    )
