"""Menus from the model: many words, several factors, other models."""

import base64

import pytest
from playwright.sync_api import expect

from tests.testing.exports import OTHER
from tests.testing.studio import (
    NEEDS_BROWSER,
    PHONE,
    RING,
    draw,
    status,
    strokes,
)

pytestmark = NEEDS_BROWSER
_WORDS = OTHER[1].factors[0].values


@pytest.fixture
def opened(page, other):
    page.locator("#file").set_input_files(other)
    status(page).to_have_text("Draw a stroke, or press Continue.")
    expect(page.get_by_role("combobox", name="Kind")).to_be_visible()
    return page


def words(page):
    return page.evaluate("studio.factors.words")


def test_every_factor_has_its_control(opened):
    assert words(opened) == "cat glad"
    opened.get_by_label("Mood").select_option("sad")
    assert words(opened) == "cat sad"
    assert opened.evaluate("studio.factors.condition").count(1) == 2
    draw(opened, RING[:4])
    opened.wait_for_function("studio.strokes.length > 1")


def test_a_word_is_searched_with_the_keyboard(opened):
    field = opened.get_by_role("combobox", name="Kind")
    field.click()
    field.fill("cat")
    options = opened.locator(".combobox [role=option]:visible")
    expect(options).to_have_text(["cat", "scatter"])
    opened.keyboard.press("ArrowDown")
    active = field.get_attribute("aria-activedescendant")
    assert opened.locator(f"#{active}").inner_text() == "scatter"
    opened.keyboard.press("Enter")
    assert words(opened) == "scatter glad"
    expect(options).to_have_count(0)
    field.fill("xyz")
    opened.keyboard.press("Enter")
    opened.keyboard.press("Escape")
    assert words(opened) == "scatter glad"
    expect(field).to_have_value("scatter")


def test_words_are_shown_with_pictures(opened):
    opened.get_by_role("combobox", name="Kind").click()
    pictures = opened.locator("[role=option] .picture svg path")
    expect(pictures.first).to_be_attached()
    options = opened.locator(".combobox [role=option]:visible")
    expect(options).to_have_count(len(_WORDS))
    assert pictures.count()
    opened.get_by_role("option", name="cat", exact=True).click()
    assert words(opened) == "cat glad"


def test_no_pictures_are_drawn_of_words_that_have_left_the_sight(opened):
    opened.evaluate(
        """() => {
          const call = studio.model.call.bind(studio.model);
          globalThis.asked = 0;
          const held = new Promise(done => globalThis.release = done);
          studio.model.call = async (name, ...rest) => {
            if (name === 'imagine' && ++asked > 1) await held;
            return call(name, ...rest);
          };
        }"""
    )
    field = opened.get_by_role("combobox", name="Kind")
    field.click()
    opened.wait_for_function("asked > 1")
    field.fill("thing 19")
    # What is in sight is told with the next frame.
    opened.evaluate(
        "requestAnimationFrame(() => requestAnimationFrame(release))"
    )
    opened.locator("[data-word='thing 19'] .picture svg").wait_for()
    assert opened.evaluate("asked") <= 4


def test_on_a_phone_the_whole_list_is_seen(opened):
    opened.set_viewport_size(PHONE)
    opened.get_by_role("combobox", name="Kind").click()
    listbox = opened.get_by_role("listbox", name="Kind")
    expect(listbox).to_be_in_viewport(ratio=0.999)  # rounded pixels
    expect(opened.get_by_role("combobox", name="Kind")).to_be_in_viewport()


def test_a_file_that_is_no_model_is_told(page, tmp_path):
    path = tmp_path / "other.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3, but nothing else")
    page.locator("#file").set_input_files(path)
    expect(page.get_by_role("alert")).to_contain_text("A model must come from")
    expect(page.locator("#model")).to_have_value("toy")
    draw(page, RING[:4])
    page.wait_for_function("studio.strokes.length > 1")


def test_a_file_is_dropped_on_the_page_and_the_first_model_comes_back(
    page, other
):
    draw(page, RING[:4])
    page.get_by_label("Go on by itself").uncheck()
    dropped = page.evaluate_handle(
        """async (bytes) => {
          const transfer = new DataTransfer();
          const content = Uint8Array.from(atob(bytes), c => c.charCodeAt(0));
          transfer.items.add(new File([content], 'dropped.tflite'));
          return transfer;
        }""",
        base64.b64encode(other.read_bytes()).decode(),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("combobox", name="Kind")).to_be_visible()
    expect(page.locator("#model")).to_have_value("dropped")
    page.get_by_role("tab", name="Optimize").click()
    expect(page.get_by_role("button", name="Optimize")).to_be_disabled()
    assert len(strokes(page)) >= 1
    page.locator("#model").select_option("toy")
    expect(page.get_by_label("Category")).to_be_visible()
    assert words(page) == "ring"
