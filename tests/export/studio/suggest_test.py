"""Suggestions: several ways to go on, of which a tap takes one."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from export.tflite.runtime import PhoneSketcher
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3
from tests.testing.studio import (
    NEEDS_BROWSER,
    RING,
    SCHEMA,
    agree,
    draw,
    full_size,
    lines,
    status,
    strokes,
)

pytestmark = NEEDS_BROWSER
READY = "Suggestions: 8. Tap one to take it."


@pytest.fixture
def suggesting(page):
    page.get_by_label("Seed").fill("5")
    page.get_by_label("Go on by itself").uncheck()
    draw(page, RING[:12])
    page.get_by_role("tab", name="Suggest").click()
    status(page).to_have_text(READY)
    return page


def thumbnails(page):
    return page.get_by_role("group", name="Suggestions").get_by_role("button")


def pictures(page):
    return [
        tuple(found)
        for found in page.evaluate(
            "[...document.querySelectorAll('#suggestions button')].map(of => "
            "[...of.querySelectorAll('path')].map(p => p.getAttribute('d')))"
        )
    ]


def test_suggestions_differ_and_go_on_from_the_drawing(suggesting):
    shown = pictures(suggesting)
    assert len(set(shown)) == 8
    assert len({one[0] for one in shown}) == 1
    assert len(strokes(suggesting)) == 1


def test_the_same_seed_has_the_same_suggestions(suggesting):
    first = pictures(suggesting)
    suggesting.get_by_role("button", name="Others").click()
    suggesting.wait_for_function(
        "d => document.querySelector('#suggestions path + path')"
        "?.getAttribute('d') != d",
        arg=first[0][1],
    )
    status(suggesting).to_have_text(READY)
    assert not set(pictures(suggesting)) & set(first)
    suggesting.get_by_label("Seed").fill("5")
    suggesting.get_by_role("button", name="Suggest", exact=True).click()
    suggesting.wait_for_function(
        "d => document.querySelector('#suggestions path + path')"
        "?.getAttribute('d') == d",
        arg=first[0][1],
    )
    assert pictures(suggesting) == first


def test_they_are_pythons_the_best_first(suggesting, model):
    phone = PhoneSketcher.load(model)
    given = Sketch(polylines_to_stroke3(lines(suggesting)))
    condition = SCHEMA.parse("ring")
    ways = phone.suggest(given, condition, 0.3, 5, 8)
    scores = [phone.recognize(full_size(way.polylines))[0] for way in ways]
    assert np.ptp(scores) > 1e-3
    for rank, number in enumerate(np.argsort(scores)[::-1]):
        thumbnails(suggesting).nth(rank).click()
        agree(lines(suggesting), ways[number].polylines)


def test_another_one_is_taken_in_place_of_the_first(suggesting):
    pressed = suggesting.locator("#suggestions [aria-pressed=true]")
    suggesting.get_by_role("application").focus()
    suggesting.keyboard.press("3")
    expect(pressed).to_have_accessible_name(re.compile("Suggestion 3 "))
    thumbnails(suggesting).nth(4).focus()
    suggesting.keyboard.press("Enter")
    expect(pressed).to_have_accessible_name(re.compile("Suggestion 5 "))
    assert len(strokes(suggesting)) > 1
    suggesting.get_by_role("button", name="Undo").click()
    assert [stroke["by"] for stroke in strokes(suggesting)] == ["you"]


def test_a_look_at_one_leaves_the_drawing_alone(suggesting):
    before = strokes(suggesting)
    shown = suggesting.locator("#ink path")
    expect(shown).to_have_count(len(before))
    thumbnails(suggesting).first.hover()
    expect(shown).not_to_have_count(len(before))
    suggesting.mouse.move(0, 0)
    expect(shown).to_have_count(len(before))
    assert strokes(suggesting) == before


def test_another_word_brings_other_suggestions(suggesting):
    first = pictures(suggesting)
    suggesting.get_by_label("Category").select_option("zigzag")
    suggesting.wait_for_function(
        "d => document.querySelector('#suggestions path + path')"
        "?.getAttribute('d') != d",
        arg=first[0][1],
    )
    status(suggesting).to_have_text(READY)
    assert {one[0] for one in pictures(suggesting)} == {first[0][0]}


def test_a_further_stroke_brings_further_suggestions(suggesting):
    first = pictures(suggesting)
    draw(suggesting, RING[20:25])
    suggesting.wait_for_function(
        "d => document.querySelector('#suggestions path + path')"
        "?.getAttribute('d') != d",
        arg=first[0][1],
    )
    status(suggesting).to_have_text(READY)
    assert all(len(one) > 2 for one in pictures(suggesting))
