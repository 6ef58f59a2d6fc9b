"""Drawings come in from files and go out to them, as in Python."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import expect

from sketcher_tf.data.formats.simplify import resample
from sketcher_tf.rendering.ndjson import to_ndjson
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import fit_to_box, polylines_to_stroke3
from tests.testing.studio import (
    NEEDS_BROWSER,
    RING,
    draw,
    lines,
    status,
    strokes,
    until,
)

pytestmark = NEEDS_BROWSER

CORPUS = Path(__file__).parents[2] / "data" / "formats" / "svg" / "corpus"
SVG = "{http://www.w3.org/2000/svg}"


def svg(content):
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f"{content}</svg>"
    )


# Name, content, and what is said of it.
BAD = [
    ("a.png", b"\x89PNG\r\n\x1a\n", "a picture of pixels"),
    ("a.svg", b"<svg><path", "broken XML"),
    ("a.svg", b"<html><p/></html>", "<html>"),
    ("a.svg", svg("<g/>").encode(), "nothing is drawn"),
    ("a.svg", svg('<path d="M0 0h9" opacity="0"/>').encode(), "nothing"),
    ("a.ndjson", b'{"word": "cat"}', 'it has no "drawing"'),
    ("a.ndjson", b'{"drawing": [[[1, 2], [3]]]}', "of numbers"),
    ("a.txt", b"", "an empty file"),
    ("a.tflite", b"\0\0\0\0TFL3" + bytes(99), "metadata"),
]


@pytest.fixture
def drawn(page):
    """Three strokes: a ring, a corner and a dot."""
    page.get_by_label("Go on by itself").uncheck()
    for places in (RING, [(60, 60), (200, 60), (200, 200)], [(128, 100)]):
        draw(page, places)
    assert len(strokes(page)) == 3
    return lines(page)


def save(page, kind, folder):
    """Saves a file of a kind, and its path."""
    page.get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(f"^{kind} ")).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def open_file(page, name, content):
    """Opens a file; returns once it has been read, or refused."""
    data = content if isinstance(content, bytes) else content.encode()
    before = page.evaluate("studio.chronicle.past.length")
    file = {"name": name, "mimeType": "", "buffer": data}
    page.locator("#file").set_input_files([file])
    page.wait_for_function(
        "before => studio.chronicle.past.length > before"
        " || document.querySelector('#notice').textContent"
        " || document.querySelector('#choose').open",
        arg=before,
    )


def notice(page):
    return page.get_by_role("alert").locator("p").inner_text()


def distance(one, other):
    """The largest distance of a point of either lines from the other."""
    one, other = map(ink, (one, other))
    away = np.hypot(*(one[:, None] - other).transpose(2, 0, 1))
    return max(away.min(axis=0).max(), away.min(axis=1).max())


def ink(lines):
    """Points of lines, a pixel apart."""
    return np.concatenate([resample(np.float64(line), 1.0) for line in lines])


def assert_same(found, wanted, tolerance):
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert distance([ours], [theirs]) < tolerance
        assert np.abs(ours[0] - theirs[0]).max() < tolerance


def ends(path):
    """Where the parts of a path end, float64 [N, 2]; a dot has none."""
    parts = re.findall(r"[MC]([^MCh]*)", path)
    return np.float64([part.split()[-2:] for part in parts])


def test_svg_and_png_show_the_drawing(page, drawn, tmp_path):
    path = save(page, "SVG", tmp_path)
    assert path.name == "ring.svg"
    root = ET.parse(path).getroot()
    for one, line in zip(root.findall(f"{SVG}path"), drawn, strict=True):
        saved = ends(one.get("d"))
        np.testing.assert_allclose(saved, line[: len(saved)], atol=0.006)
    with Image.open(save(page, "PNG", tmp_path)) as image:
        grey = np.asarray(image.convert("L"))
    assert grey.shape == (1024, 1024)
    assert (grey < 128).mean() < 0.3
    x, y, side, _ = map(float, root.get("viewBox").split())
    for line in drawn:
        columns, rows = ((line - (x, y)) * 1024 / side).astype(int).T
        assert (grey[rows, columns] < 128).all()


def test_an_animated_svg_draws_for_two_seconds(page, drawn, tmp_path):
    path = save(page, "Animated SVG", tmp_path)
    assert path.name == "ring.animated.svg"
    root = ET.parse(path).getroot()
    styles = [one.get("style") for one in root.findall(f"{SVG}path")]
    delays, durations = (
        np.float64([re.search(rf"{name}:([\d.]+)s", s)[1] for s in styles])
        for name in ("delay", "duration")
    )
    assert durations.sum() == pytest.approx(2, abs=0.02)
    np.testing.assert_allclose(
        delays[1:], (delays + durations)[:-1] + 0.1, atol=0.02
    )
    assert durations[0] > durations[1] > durations[2]


def test_a_gif_ends_with_the_whole_drawing(page, drawn, tmp_path):
    with Image.open(save(page, "GIF", tmp_path)) as image:
        assert image.info["loop"] == 0
        inked, stays = [], []
        for frame in ImageSequence.Iterator(image):
            stays.append(frame.info["duration"])
            inked.append((np.asarray(frame.convert("L")) < 128).sum())
        grey = np.asarray(image.convert("L"))
    assert 40 < len(inked) < 80
    assert (np.diff(inked) >= 0).all()
    assert inked[0] < 0.1 * inked[-1]
    assert stays[-1] == 2000
    assert set(stays[:-1]) <= {40, 50}
    x, y, side, _ = page.evaluate(
        "document.querySelector('#paper').getAttribute('viewBox')"
        ".split(' ').map(Number)"
    )
    for line in drawn:
        columns, rows = ((line - (x, y)) * len(grey) / side).astype(int).T
        assert (grey[rows, columns] < 128).all()


def test_ndjson_is_written_as_in_python(page, drawn, tmp_path):
    row = json.loads(save(page, "ndjson", tmp_path).read_text())
    sketch = Sketch(polylines_to_stroke3(drawn), category="ring")
    wanted = json.loads(to_ndjson(sketch))
    assert re.fullmatch(r"\d{16}", row.pop("key_id"))
    wanted.pop("key_id")
    assert row == wanted


def test_what_is_saved_can_be_opened(page, drawn, tmp_path):
    for kind in ("SVG", "Animated SVG", "ndjson"):
        content = save(page, kind, tmp_path).read_text()
        page.get_by_role("button", name="Clear").click()
        open_file(page, f"mine.{kind}", content)
        moved = np.concatenate(drawn).min(axis=0) if kind == "ndjson" else 0
        assert_same(lines(page), [line - moved for line in drawn], 2.5)
        page.get_by_role("button", name="Undo").click()
        assert strokes(page) == []
        page.get_by_role("button", name="Undo").click()


def test_every_programs_strokes_are_read(page):
    expected = json.loads((CORPUS / "strokes.json").read_text())
    for name, wanted in expected.items():
        open_file(page, f"{name}.svg", (CORPUS / f"{name}.svg").read_bytes())
        found = lines(page)
        low = np.concatenate(found).min(axis=0)
        found = [line - low for line in found]
        wanted = fit_to_box([np.array(line) for line in wanted], 255.0)
        if name == "potrace":  # nobody knows where the pen was lifted
            assert distance(found, wanted) < 6
        else:
            assert_same(found, wanted, 6.0)


def test_paths_are_cut_where_the_pen_moves(page):
    path = "m10 10 90-5m-90 20l0 40h50zm20 5h10M10 90L60 100 90 60.5.5 80"
    document = f'<path d="{path}" fill="none" stroke="#000"/>'
    open_file(page, "cut.svg", svg(document))
    wanted = [
        [(10, 10), (100, 5)],
        [(10, 25), (10, 65), (60, 65), (10, 25)],
        [(30, 30), (40, 30)],
        [(10, 90), (60, 100), (90, 60.5), (0.5, 80)],
    ]
    found = lines(page)
    low = np.concatenate(found).min(axis=0)
    wanted = fit_to_box([np.array(line) for line in wanted], 255.0)
    assert_same([line - low for line in found], wanted, 3.0)


def test_one_of_several_drawings_is_chosen(page):
    rows = [
        {"word": f"number {i}", "drawing": [[[0, 200, i], [0, 255, 0]]]}
        for i in range(70)
    ]
    text = "\n".join([*map(json.dumps, rows), '{"drawing": []}', "broken"])
    open_file(page, "many.ndjson", text)
    assert notice(page) == "Rows that are no drawings were left out: 2."
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_count(60)
    dialog.get_by_role("button", name="Show more").click()
    dialog.get_by_role("button", name="number 65").click()
    expect(dialog).to_be_hidden()
    until(page, "studio.strokes.length == 1")
    [line] = lines(page)
    assert line.tolist() == [[0, 0], [200, 255], [65, 0]]


def test_recordings_are_fitted_and_simplified(page):
    angle = np.linspace(0, 6, 300)
    x, y = 900 + 400 * np.cos(angle), 700 + 300 * np.sin(angle)
    drawing = [[x.tolist(), y.tolist(), list(range(300))]]
    open_file(page, "raw.ndjson", json.dumps({"drawing": drawing}))
    [line] = lines(page)
    assert 8 < len(line) < 40
    assert np.ptp(line, axis=0).max() == 255


def test_bad_files_are_refused_with_a_reason(page, drawn):
    for name, content, told in BAD:
        open_file(page, name, content)
        assert told in notice(page)
        for line, before in zip(lines(page), drawn, strict=True):
            np.testing.assert_array_equal(line, before)


def test_a_drawing_can_be_dropped_and_pasted(page):
    text = svg('<path d="M0 0h90" stroke="#000"/>')
    event = "new {}('{}', {{{}: data, bubbles: true, cancelable: true}})"
    for kind, name, key, put in (
        (
            "DragEvent",
            "drop",
            "dataTransfer",
            "items.add(new File([text], 'a'))",
        ),
        (
            "ClipboardEvent",
            "paste",
            "clipboardData",
            "setData('text/plain', text)",
        ),
    ):
        before = len(page.evaluate("studio.chronicle.past"))
        page.evaluate(
            f"text => {{ const data = new DataTransfer(); data.{put};"
            f"document.dispatchEvent({event.format(kind, name, key)}); }}",
            text,
        )
        page.wait_for_function(
            "before => studio.chronicle.past.length > before", arg=before
        )
        assert len(strokes(page)) == 1


def test_the_drawing_is_copied_as_svg(page, context, address, drawn):
    context.grant_permissions(
        ["clipboard-read", "clipboard-write"], origin=address.rstrip("/")
    )
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Copy SVG").click()
    status(page).to_have_text("Copied as SVG.")
    text = page.evaluate("navigator.clipboard.readText()")
    assert len(ET.fromstring(text).findall(f"{SVG}path")) == len(drawn)
