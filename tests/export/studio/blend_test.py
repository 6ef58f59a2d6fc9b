"""From one word or drawing to another, as a film."""

import numpy as np
import pytest
from playwright.sync_api import expect

from export.tflite.runtime import PhoneSketcher
from sketcher_tf.request import slerp
from tests.testing.studio import (
    NEEDS_BROWSER,
    RING,
    SCHEMA,
    agree,
    draw,
    lines,
    set_slider,
    status,
    strokes,
)

pytestmark = NEEDS_BROWSER
READY = "Play the film, or tap a picture to take it."


@pytest.fixture
def blending(page):
    page.get_by_label("Go on by itself").uncheck()
    page.get_by_label("Seed").fill("4")
    page.get_by_role("tab", name="Blend").click()
    return page


def film(page):
    page.get_by_role("button", name="Blend", exact=True).click()
    status(page).to_have_text(READY)


def frame(page, number):
    """What a picture of the strip puts on the paper."""
    page.locator("#film button").nth(number).click()
    return lines(page)


def test_between_words_it_is_pythons(blending, model):
    film(blending)
    expect(blending.locator("#film button")).to_have_count(9)
    phone = PhoneSketcher.load(model)
    ring, zigzag = (SCHEMA.parse(word) for word in ("ring", "zigzag"))
    agree(frame(blending, 0), phone.generate(ring, 0.3, 4).polylines)
    agree(frame(blending, 8), phone.generate(zigzag, 0.3, 4).polylines)
    noise = phone._noise(4)["latent_noise"]
    ends = [
        phone.run(
            "prior",
            condition=condition[None],
            latent_noise=noise,
            temperature=np.float32([0.3]),
        )["latents"][0]
        for condition in (ring, zigzag)
    ]
    share = np.float32([[0.25]])
    begun = phone.run(
        "start",
        condition=(ring + 0.25 * (zigzag - ring))[None],
        latents=slerp(*ends, share=share).astype(np.float32),
    )
    drawn = phone._sketch(phone._draw(begun, phone._noise(4), 0.3, 0))
    agree(frame(blending, 2), drawn.polylines)


def test_between_drawings_the_ends_are_the_drawings(blending):
    draw(blending, RING)
    first = lines(blending)
    blending.locator("#from-drawing").click()
    blending.get_by_role("button", name="Clear").click()
    draw(blending, [(20, 30), (80, 200), (90, 40)])
    last = lines(blending)
    blending.locator("#to-drawing").click()
    film(blending)
    agree(frame(blending, 8), last)
    agree(frame(blending, 0), first)
    # What is between lies between them.
    sides = [np.ptp(np.concatenate(of), axis=0).max() for of in (first, last)]
    middle = np.ptp(np.concatenate(frame(blending, 4)), axis=0).max()
    assert middle == pytest.approx(np.mean(sides), abs=0.5)
    blending.get_by_role("button", name="Undo").click()
    agree(lines(blending), last)


def test_the_film_is_played_and_leaves_the_drawing_alone(blending):
    draw(blending, RING[:5])
    before = strokes(blending)
    film(blending)
    seen = "document.querySelector('#ink').innerHTML"
    blending.get_by_role("button", name="Play").click()
    first = blending.evaluate(seen)
    blending.wait_for_function(f"first => {seen} != first", arg=first)
    blending.wait_for_function("document.querySelector('#frame').value > 2")
    blending.get_by_role("button", name="Stop").click()
    assert strokes(blending) == before
    expect(blending.locator("#ink path")).to_have_count(1)
    set_slider(blending, "frame", 12)
    assert blending.locator("#frame").get_attribute("aria-valuetext") == (
        "50 % of the way"
    )
    blending.get_by_role("button", name="Take").click()
    assert strokes(blending) != before


def test_the_ends_are_words_of_a_model_that_sees_no_drawings(blending, other):
    draw(blending, RING)
    blending.locator("#from-drawing").click()
    blending.locator("#file").set_input_files(other)
    expect(blending.locator("#from-word")).to_have_text("cat glad")
    pressed = blending.locator(".ends [aria-pressed=true]")
    expect(pressed).to_have_count(2)
    expect(pressed.first).to_have_id("from-word")
    film(blending)


def test_the_second_word_is_only_lent(blending):
    expect(blending.locator("#to-word")).to_have_text("zigzag")
    blending.get_by_role("tab", name="Continue").click()
    assert blending.evaluate("studio.factors.words") == "ring"
