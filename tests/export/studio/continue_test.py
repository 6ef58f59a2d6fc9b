"""The studio in a real browser: one draws, the model goes on, as in Python."""

import numpy as np
import pytest
from playwright.sync_api import expect

from export.tflite.metadata import read_metadata
from export.tflite.runtime import PhoneSketcher
from sketcher_tf.data.formats.simplify import rdp
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3
from tests.testing.studio import (
    NEEDS_BROWSER,
    RING,
    SCHEMA,
    draw,
    lines,
    set_slider,
    status,
    strokes,
)

pytestmark = NEEDS_BROWSER


def test_the_model_goes_on_as_litert_does_in_python(page, model):
    page.get_by_label("Category").select_option("zigzag")
    page.get_by_role("button", name="Blend with another").click()
    page.get_by_label("blended with").select_option("ring")
    set_slider(page, "blend", 0.25)
    set_slider(page, "temperature", 0.6)
    page.get_by_label("Seed").fill("11")
    draw(page, RING)
    status(page).to_have_text("The paper is full.")

    shown = strokes(page)
    mine = [np.float32(s["points"]) for s in shown if s["by"] == "you"]
    assert len(mine) == 1
    assert 8 < len(mine[0]) < 20  # fewer than came, and still round
    given = Sketch(polylines_to_stroke3(mine))
    condition = SCHEMA.parse("zigzag*0.75+ring*0.25")
    wanted = PhoneSketcher.load(model).complete(given, condition, 0.6, 11)
    assert len(shown) == len(wanted.polylines) > 2
    size = np.ptp(np.concatenate(wanted.polylines), axis=0).max()
    for drawn, line in zip(lines(page), wanted.polylines, strict=True):
        np.testing.assert_allclose(drawn, line, atol=1e-4 * size)


def test_it_goes_on_again_and_again(page):
    page.get_by_label("one stroke").check()
    draw(page, RING)
    status(page).to_have_text("Your turn.")
    page.wait_for_function("studio.strokes.length > 1")
    first = strokes(page)[1]["points"][0][0]
    page.get_by_role("button", name="Again").click()
    page.wait_for_function(
        "first => studio.strokes.length == 2 && "
        "studio.strokes[1].points[0][0] != first",
        arg=first,
    )
    status(page).to_have_text("Your turn.")
    before = len(strokes(page))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_function("n => studio.strokes.length > n", arg=before)


def test_the_next_turn_is_not_disturbed_by_the_last_one(page, model):
    page.get_by_label("Seed").fill("20")
    set_slider(page, "speed", 0)  # 5 points a second
    draw(page, RING[:8])
    page.wait_for_function("studio.strokes.length > 1")
    page.get_by_role("button", name="Again").click()
    page.wait_for_function("studio.strokes.length > 1")
    page.get_by_role("button", name="Again").click()
    set_slider(page, "speed", 7)
    status(page).to_have_text("The paper is full.")
    given = Sketch(polylines_to_stroke3(lines(page)[:1]))
    condition = SCHEMA.parse("ring")
    wanted = PhoneSketcher.load(model).complete(given, condition, 0.3, 22)
    for drawn, line in zip(lines(page), wanted.polylines, strict=True):
        np.testing.assert_allclose(drawn, line, atol=0.01)


def test_what_was_cut_short_is_a_stroke_of_its_own(page):
    set_slider(page, "speed", 0)
    draw(page, RING[:8])
    page.wait_for_function("studio.strokes.length > 1")
    page.get_by_label("one stroke").check()
    before = page.evaluate(
        "(() => { document.querySelector('#continue').click();"
        "return studio.strokes; })()"
    )
    set_slider(page, "speed", 7)
    status(page).to_have_text("Your turn.")
    after = strokes(page)
    assert len(after) == len(before) + 1
    assert after[:-1] == before


def test_undo_and_clear(page):
    page.get_by_label("Go on by itself").uncheck()
    draw(page, RING[:5])
    draw(page, RING[10:15])
    assert len(strokes(page)) == 2
    page.get_by_role("button", name="Clear").click()
    assert strokes(page) == []
    page.keyboard.press("Control+z")
    assert len(strokes(page)) == 2
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    assert strokes(page) == []
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_the_model_stops_when_one_draws(page):
    set_slider(page, "speed", 0)  # 5 points a second
    draw(page, RING[:8])
    page.wait_for_function("studio.strokes.length > 1")
    page.get_by_label("Go on by itself").uncheck()
    draw(page, RING[15:20])
    authors = [stroke["by"] for stroke in strokes(page)]
    assert (authors[0], authors[-1]) == ("you", "you")
    assert set(authors[1:-1]) == {"model"}
    assert len(authors) < 10
    page.wait_for_timeout(500)
    assert [stroke["by"] for stroke in strokes(page)] == authors


def test_it_can_be_used_with_the_keyboard_alone(page):
    page.get_by_label("Go on by itself").uncheck()
    page.get_by_role("application").focus()
    for key in ("Space", "ArrowRight", "ArrowDown", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    (line,) = lines(page)
    assert np.diff(line, axis=0).tolist() == [[12, 0], [0, 12], [-12, 0]]
    name = page.locator("#paper").get_attribute("aria-label")
    assert name == "Strokes: 1 by you, 0 by the model"
    page.keyboard.press("Enter")
    status(page).to_have_text("The paper is full.")
    assert strokes(page)[-1]["by"] == "model"


def test_every_control_has_a_name(page):
    found = page.evaluate(
        "[...document.querySelectorAll('button, input, select')].map("
        "e => e.ariaLabel || (e.labels?.[0] ?? e).textContent.trim())"
    )
    assert len(found) > 12
    assert all(found)
    for name in ("Category", "Temperature", "Speed", "Seed"):
        expect(page.get_by_label(name, exact=False).first).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_cut_off(page, width):
    page.set_viewport_size({"width": width, "height": 740})
    draw(page, RING)
    status(page).to_have_text("The paper is full.")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    low, high = (f(np.concatenate(lines(page)), 0) for f in (np.min, np.max))
    x, y, side, _ = map(
        float, page.locator("#paper").get_attribute("viewBox").split()
    )
    assert (low > (x, y)).all()
    assert (high < (x + side, y + side)).all()


def test_metadata_are_read_as_in_python(page, model):
    assert page.evaluate("studio.metadata") == read_metadata(model.read_bytes())


def test_trails_are_simplified_as_in_python(page):
    rng = np.random.default_rng(0)
    for count in (2, 3, 10, 60):
        trail = np.cumsum(rng.normal(size=(count, 2)) * 4, axis=0)
        found = page.evaluate("trail => simplify(trail)", trail.tolist())
        np.testing.assert_allclose(found, rdp(trail, 2.0))
