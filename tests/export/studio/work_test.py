"""The work is kept over a reload, and a link says what is to be drawn."""

from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.testing.studio import (
    NEEDS_BROWSER,
    RING,
    SCHEMA,
    draw,
    lines,
    ready,
    reload,
    set_slider,
    status,
    strokes,
    until,
)

pytestmark = NEEDS_BROWSER


def test_a_reload_loses_nothing(page):
    page.get_by_label("Go on by itself").uncheck()
    page.get_by_label("Category").select_option("zigzag")
    page.get_by_label("one stroke").check()
    page.get_by_label("Seed").fill("77")
    set_slider(page, "temperature", 0.65)
    draw(page, RING[:8])
    draw(page, RING[12:])
    page.get_by_role("button", name="Undo").click()
    before = strokes(page)
    reload(page)
    assert strokes(page) == before
    assert page.get_by_label("Category").input_value() == "zigzag"
    assert page.get_by_label("Seed").input_value() == "77"
    assert page.evaluate("studio.settings.temperature") == 0.65
    expect(page.get_by_label("one stroke")).to_be_checked()
    expect(page.get_by_label("Go on by itself")).not_to_be_checked()
    page.get_by_role("button", name="Redo").click()
    assert len(strokes(page)) == 2
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    assert strokes(page) == []


def test_two_tabs_keep_two_drawings(page, context, address):
    page.get_by_label("Go on by itself").uncheck()
    draw(page, RING[:8])
    with context.new_page() as other:
        other.goto(address)
        ready(other)
        assert strokes(other) == []
        other.get_by_label("Go on by itself").uncheck()
        draw(other, RING[12:])
        theirs = strokes(other)
        reload(other)
        assert strokes(other) == theirs
    draw(page, RING[18:24])
    ours = strokes(page)
    reload(page)
    assert strokes(page) == ours != theirs
    page.goto(f"{address}icon-192.png")  # and lets go of its record
    until(page, "navigator.locks.query().then(({held}) => !held.length)")
    with context.new_page() as later:
        later.goto(address)
        ready(later)
        assert strokes(later) == ours  # the newest


def test_what_cannot_be_read_does_not_keep_the_page_from_starting(
    page, address
):
    page.goto(f"{address}icon-192.png")  # which does not write over it
    page.evaluate(
        "new Promise(done => { indexedDB.open('studio /').onsuccess = "
        "({target: {result}}) => { const change = "
        "result.transaction('work', 'readwrite'); "
        "change.objectStore('work').put({drawing: 7}, 'work 0'); "
        "change.oncomplete = done; }; })"
    )
    page.goto(address)
    ready(page)
    assert strokes(page) == []
    draw(page, RING)
    page.wait_for_function("studio.strokes.length > 1")


def test_a_link_says_what_is_to_be_drawn(page, context, address):
    origin = address.rstrip("/")
    permissions = ["clipboard-read", "clipboard-write"]
    context.grant_permissions(permissions, origin=origin)
    page.get_by_label("Category").select_option("zigzag")
    page.get_by_role("button", name="Blend with another").click()
    page.get_by_label("blended with").select_option("ring")
    set_slider(page, "blend", 0.35)
    set_slider(page, "temperature", 0.8)
    page.get_by_label("Seed").fill("123")
    page.get_by_role("button", name="Copy a link").click()
    status(page).to_contain_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    asked = urlsplit(link).fragment
    assert asked == (
        "draw=zigzag*0.65+ring*0.35&temperature=0.8&seed=123&model=toy"
    )
    condition = page.evaluate("studio.how.condition")
    # What it says of the words is what the command line understands.
    words = asked.removeprefix("draw=").partition("&")[0]
    np.testing.assert_allclose(SCHEMA.parse(words), condition)

    page.get_by_label("blended with").select_option("nothing")
    page.get_by_label("Seed").fill("5")
    set_slider(page, "temperature", 0)
    page.goto(link)  # the same page: only what is asked for changes
    page.wait_for_function("studio.settings.seed == 123")
    assert page.evaluate("location.hash") == ""
    page.goto("about:blank")
    page.goto(link)
    ready(page)
    how = page.evaluate("studio.how")
    np.testing.assert_allclose(how["condition"], condition)
    assert (how["temperature"], how["seed"]) == (0.8, 123)


@pytest.mark.parametrize(
    ("draw", "told"),
    [("unicorn", "unicorn"), ("ring+unicorn", "unicorn"), ("a=b=c,", "b=c")],
)
def test_a_link_with_unknown_words_says_so(page, address, draw, told):
    before = page.evaluate("studio.how.condition")
    page.goto(f"{address}#draw={draw}&seed=4&temperature=x")
    page.wait_for_function("studio.settings.seed == 4")
    expect(page.get_by_role("alert")).to_contain_text(told)
    assert page.evaluate("studio.how.condition") == before
    assert lines(page) == []


def test_a_model_of_ones_own_is_kept_too(page, model):
    page.locator("#file").set_input_files(
        {"name": "mine.tflite", "mimeType": "", "buffer": model.read_bytes()}
    )
    expect(page.locator("#model")).to_have_value("mine")
    reload(page)
    expect(page.locator("#model")).to_have_value("mine")
    draw(page, RING)
    page.wait_for_function("studio.strokes.length > 1")
