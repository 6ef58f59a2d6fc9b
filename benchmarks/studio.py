"""How soon the studio is ready in a browser, how fast and smoothly it draws.

    python -m benchmarks.studio
    python -m benchmarks.studio --model=sketcher.tflite --decoder=bird.gen.json

Debian's Chromium without a window, on this machine, with the page as
`sketcher studio` serves it. A first visit finds an empty cache; a second one
finds what the first has kept. A browser translates WebAssembly quickly at
first, and once more, for speed, what is called often: a point of a page's first
drawing and one of a later drawing are two numbers. Frames are counted while the
model draws, as fast as it can, and while a mouse draws. With a published
Sketch-RNN decoder for JavaScript TensorFlow.js draws as well, on WebAssembly
and one thread (needs npm).
"""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from absl import flags
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from export.studio.__main__ import exported
from export.studio.build import build
from export.studio.server import running, serve
from sketcher_tf.cli import Command, refuse_arguments

COMMAND = Command("python -m benchmarks.studio", __doc__)
_MODEL = flags.DEFINE_string(
    "model",
    "quickdraw",
    "A run folder, .keras or .tflite file, or a pretrained model's name.",
    flag_values=COMMAND.flags,
)
_DECODER = flags.DEFINE_string(
    "decoder",
    None,
    "A .gen.json file, for TensorFlow.js to draw with in the same run.",
    flag_values=COMMAND.flags,
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 3, "How often each is measured.", 1, flag_values=COMMAND.flags
)
_SECONDS = 3  # in which frames are counted
_LATE_MS = 1000 / 60 * 1.5  # between two frames: one of 60 a second is missing

_TFJS = Path(__file__).parent / "tfjs"
_DRAWINGS = 40  # the later half of them is drawn by what is translated twice
_POINTS = 60  # of each that TensorFlow.js draws, as many as of a cat

_FINISHED = re.compile("done|full", re.IGNORECASE)  # a turn of the model

# Begins to note the times of frames.
_COUNT = """
(() => {
  const times = globalThis.frames = [];
  requestAnimationFrame(function count(time) {
    times.push(time);
    requestAnimationFrame(count);
  });
})()
"""

# Milliseconds for each point of a drawing, as the page has it drawn.
_DRAW = """
async (number) => {
  const {model, how} = studio;
  const latents = await model.call('imagine', {...how, number});
  const drawings = [{condition: how.condition, latents, number}];
  const {signal} = new AbortController();
  const start = performance.now();
  let count = 0;
  for await (const part of model.parts('draw', {...how, drawings}, signal)) {
    count += part.points.length;
  }
  return (performance.now() - start) / count;
}
"""


@contextmanager
def served(model: Path) -> Iterator[str]:
    """The address of the page with one model."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "page"
        build({"model": model}, output)
        with running(serve(output, 0)) as address:
            yield address


def visit(context: BrowserContext, address: str) -> float:
    """Seconds until the model can draw."""
    page = context.new_page()
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    seconds = time.perf_counter() - start
    page.close()
    return seconds


def drawing(browser: Browser, address: str, rounds: int) -> dict[str, float]:
    """Milliseconds, by what is waited for."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.get_by_label("Go on by itself").uncheck()
        points = [page.evaluate(_DRAW, k) for k in range(_DRAWINGS)]
        draw_with_mouse(page)
        page.get_by_role("tab", name="Suggest").click()
        waited = [suggestions(page) for _ in range(rounds + 1)][1:]
    return {
        **_first_and_later(points),
        "eight suggestions to a circle": statistics.median(waited),
    }


def _first_and_later(points: list[float], who: str = "") -> dict[str, float]:
    """Milliseconds a point of each drawing, as two numbers; see the module."""
    return {
        f"a point of the first drawing{who}": points[0],
        f"a point, later{who}": statistics.median(points[_DRAWINGS // 2 :]),
    }


def suggestions(page: Page) -> float:
    """Milliseconds until they are there."""
    told = page.locator("#status", has_text="Suggestions:")
    told.wait_for()
    start = time.perf_counter()
    page.get_by_role("button", name="Others").click()
    told.wait_for()
    return 1000 * (time.perf_counter() - start)


def tfjs(browser: Browser, decoder: Path) -> dict[str, float]:
    """Milliseconds a point that TensorFlow.js takes with a decoder."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "page"
        shutil.copytree(_TFJS, folder)
        subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True)
        shutil.copy(decoder, folder / "decoder.json")
        with running(serve(folder, 0)) as address, browser.new_page() as page:
            page.goto(address)
            points = page.evaluate(f"measure({_POINTS}, {_DRAWINGS})")
    return _first_and_later(points, ", TensorFlow.js")


def frames(page: Page, draw: Callable[[], object]) -> np.ndarray:
    """Milliseconds between frames, while something draws again and again."""
    page.evaluate(_COUNT)
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        draw()
    return np.diff(page.evaluate("frames"))


def let_model_draw(page: Page) -> None:
    """Lets the model draw all the rest, at once."""
    page.get_by_role("button", name="Again").click()
    page.locator("#status", has_text=_FINISHED).wait_for()


def draw_with_mouse(page: Page) -> None:
    """A stroke around the middle of the paper."""
    box = page.locator("#paper").bounding_box()
    assert box is not None
    middle = np.add((box["x"], box["y"]), box["width"] / 2)
    around = [
        middle + box["width"] / 3 * np.array([np.cos(angle), np.sin(angle)])
        for angle in np.linspace(0, 2 * np.pi, 60)
    ]
    page.mouse.move(*around[0])
    page.mouse.down()
    for place in around:
        page.mouse.move(*place)
    page.mouse.up()


def smoothness(browser: Browser, address: str) -> dict[str, np.ndarray]:
    """Milliseconds between frames, by who draws."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.get_by_label("Go on by itself").uncheck()
        page.locator("#speed").fill("7")
        mouse = frames(page, lambda: draw_with_mouse(page))
        page.get_by_role("button", name="Clear").click()
        return {
            "the mouse": mouse,
            "the model": frames(page, lambda: let_model_draw(page)),
        }


def main(arguments: list[str]) -> None:
    """Measures, and prints Markdown tables."""
    refuse_arguments(arguments, "--model=quickdraw")
    with (
        served(exported(_MODEL.value, None)) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        ) as browser,
    ):
        visits: dict[str, list] = {"first": [], "second": []}
        for _ in range(_ROUNDS.value):
            with browser.new_context() as context:
                for times in visits.values():
                    times.append(visit(context, address))
        waited = drawing(browser, address, _ROUNDS.value)
        if _DECODER.value:
            decoder = Path(_DECODER.value)
            waited |= tfjs(browser, decoder)
        smooth = smoothness(browser, address)
    print("| | s until ready |\n|---|---|")
    for name, times in visits.items():
        print(f"| {name} visit | {statistics.median(times):.2f} |")
    print("\n| | ms |\n|---|---|")
    for name, milliseconds in waited.items():
        print(f"| {name} | {milliseconds:.2f} |")
    print("\n| | ms between frames | 95 % below | late |\n|---|---|---|---|")
    for name, spans in smooth.items():
        median, most = np.percentile(spans, [50, 95])
        late = np.mean(spans > _LATE_MS)
        print(f"| {name} draws | {median:.1f} | {most:.1f} | {late:.1%} |")


if __name__ == "__main__":
    COMMAND.run(main)
