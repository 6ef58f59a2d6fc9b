"""The paper on a desk: eraser, undo and redo, zoom, and what is kept."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.testing.studio import (
    NEEDS_BROWSER,
    RING,
    draw,
    on_screen,
    status,
    strokes,
)

pytestmark = NEEDS_BROWSER
LINES = [[(20, 20), (220, 20)], [(20, 120), (220, 120)]]


@pytest.fixture
def drawn(page):
    page.get_by_label("Go on by itself").uncheck()
    for places in LINES:
        draw(page, places)
    return page


def test_the_eraser_takes_the_strokes_that_it_meets(drawn):
    first, second = strokes(drawn)
    drawn.get_by_role("button", name="Stroke eraser").click()
    draw(drawn, [(128, 60), (128, 25)])
    assert strokes(drawn) == [second]
    drawn.get_by_role("button", name="Undo").click()
    assert strokes(drawn) == [first, second]
    drawn.get_by_role("button", name="Redo").click()
    assert strokes(drawn) == [second]
    drawn.get_by_role("button", name="Pen", exact=True).click()
    draw(drawn, LINES[0])
    assert len(strokes(drawn)) == 2
    expect(drawn.get_by_role("button", name="Redo")).to_be_disabled()


def test_the_eraser_of_the_keyboard(drawn):
    paper = drawn.get_by_role("application")
    paper.focus()
    drawn.keyboard.press("e")
    for _ in range(3):
        drawn.keyboard.press("ArrowLeft")
    drawn.keyboard.press("Space")
    assert len(strokes(drawn)) == 1
    drawn.keyboard.press("p")
    expect(
        drawn.get_by_role("button", name="Pen", exact=True)
    ).to_have_attribute("aria-pressed", "true")
    drawn.keyboard.press("Control+z")
    drawn.keyboard.press("Control+Shift+z")
    assert len(strokes(drawn)) == 1


def test_a_hundred_steps_can_be_undone(page):
    page.evaluate(
        "for (let i = 0; i <= 100; i++)"
        " studio.change([{by: 'you', points: [[i, i]]}], '')"
    )
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    for _ in range(100):
        page.keyboard.press("Control+z")
    expect(undo).to_be_disabled()
    assert strokes(page) == [{"by": "you", "points": [[0, 0]]}]


def test_what_the_model_drew_is_kept_as_ones_own(page):
    draw(page, RING[:8])
    status(page).to_have_text("The paper is full.")
    drawn = strokes(page)
    assert {stroke["by"] for stroke in drawn} == {"you", "model"}
    page.get_by_role("button", name="Keep").click()
    assert strokes(page) == [{**stroke, "by": "you"} for stroke in drawn]


def test_a_wheel_zooms_where_it_is(drawn):
    [place] = on_screen(drawn, [(20, 120)])
    drawn.mouse.move(*place)
    drawn.keyboard.down("Control")
    drawn.mouse.wheel(0, -300)
    drawn.keyboard.up("Control")
    everything = drawn.get_by_role("button", name="Show all")
    expect(everything).to_be_visible()
    np.testing.assert_allclose(on_screen(drawn, [(20, 120)]), [place], atol=2)
    away = np.ptp(on_screen(drawn, LINES[1]), axis=0)[0]
    everything.click()
    expect(everything).to_be_hidden()
    assert np.ptp(on_screen(drawn, LINES[1]), axis=0)[0] < 0.7 * away
