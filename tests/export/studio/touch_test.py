"""The studio on a phone: fingers draw and zoom, a hand may rest on it.

What is a tap and what a long press is a browser's to tell, by the clock: here
controls are clicked.
"""

import time

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.testing.studio import (
    NEEDS_BROWSER,
    PHONE,
    RING,
    lines,
    on_screen,
    settled,
    status,
    strokes,
)

pytestmark = NEEDS_BROWSER
# Of all events of a hand, however long they take here.
NOW = time.time()


@pytest.fixture(scope="module")
def context(browser):
    with browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, bypass_csp=True
    ) as context:
        yield context


@pytest.fixture
def touch(page, context):
    """Moves fingers over the paper: puts them down, and lifts them at last.

    Each finger has its places, in pixels of the paper.
    """
    session = context.new_cdp_session(page)

    def send(kind, places, radius):
        points = [
            {"x": x, "y": y, "id": i, "radiusX": radius, "radiusY": radius}
            for i, (x, y) in enumerate(places)
        ]
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": points, "timestamp": NOW},
        )

    def touch(*fingers, radius=5):
        ways = [on_screen(page, places) for places in fingers]
        kind = "touchStart"
        for places in zip(*ways, strict=True):
            send(kind, places, radius)
            kind = "touchMove"
        send("touchEnd", [], radius)

    return touch


@pytest.fixture
def drawn(page, touch):
    page.get_by_label("Go on by itself").uncheck()
    touch(RING)
    return page


def test_a_finger_draws_and_the_model_goes_on(page, touch):
    touch(RING)
    status(page).to_have_text("The paper is full.")
    assert {stroke["by"] for stroke in strokes(page)} == {"you", "model"}
    assert np.ptp(lines(page)[0], axis=0).min() > 120
    assert page.evaluate("scrollY") == 0


def test_two_fingers_zoom_and_draw_nothing(drawn, touch):
    before = strokes(drawn)
    far = np.linspace(0, 60, 5)
    touch(
        [(118 - x, 128) for x in far],
        [(138 + x, 128) for x in far],
    )
    everything = drawn.get_by_role("button", name="Show all")
    expect(everything).to_be_visible()
    assert strokes(drawn) == before
    away = np.ptp(on_screen(drawn, RING), axis=0)[0]
    everything.click()
    expect(everything).to_be_hidden()
    assert np.ptp(on_screen(drawn, RING), axis=0)[0] < 0.5 * away


def test_a_palm_draws_nothing(drawn, touch):
    before = strokes(drawn)
    touch(RING[:9], radius=40)
    assert strokes(drawn) == before


def test_a_hand_may_rest_while_a_pen_draws(drawn, touch, context):
    session = context.new_cdp_session(drawn)

    def pen(kind, place):
        x, y = on_screen(drawn, [place])[0]
        session.send(
            "Input.dispatchMouseEvent",
            {
                **{"type": kind, "x": x, "y": y, "pointerType": "pen"},
                **{"button": "left", "buttons": 1, "clickCount": 1},
                "timestamp": NOW,
            },
        )

    pen("mousePressed", (40, 40))
    pen("mouseMoved", (80, 40))
    touch(RING[:9])
    pen("mouseMoved", (80, 80))
    pen("mouseReleased", (80, 80))
    assert lines(drawn)[1:] == [
        pytest.approx(np.array([[40, 40], [80, 40], [80, 80]]), abs=1)
    ]


def test_every_mode_has_room(drawn):
    for name, go, offered in (
        ("Suggest", "#suggest", "#suggestions"),
        ("Optimize", "#optimize", "#variants"),
        ("Blend", "#morph", "#film"),
    ):
        before = strokes(drawn)
        drawn.evaluate("scrollTo(0, 0)")
        drawn.get_by_role("tab", name=name).click()
        drawn.locator(go).click()
        third = drawn.locator(f"{offered} button").nth(2)
        third.locator("svg").wait_for()
        expect(third).to_be_in_viewport(ratio=0.999)
        third.click()
        expect(third).to_have_attribute("aria-pressed", "true")
        assert strokes(drawn) != before
        assert drawn.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_is_told_does_not_move_the_paper(drawn):
    height = "document.querySelector('header').offsetHeight"
    before = drawn.evaluate(height)
    for name in ("Suggest", "Blend", "Continue"):
        drawn.get_by_role("tab", name=name).click()
        drawn.get_by_role("tabpanel").locator("button.main").click()
        settled(drawn)
        assert drawn.evaluate(height) == before
