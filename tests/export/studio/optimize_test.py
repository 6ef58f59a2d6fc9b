"""The whole drawing, drawn better: near to mine, or as the model would."""

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
    set_slider,
    status,
    strokes,
)

pytestmark = NEEDS_BROWSER
READY = "The best is on the paper. B shows what was before."
_CONDITION = SCHEMA.parse("ring")


@pytest.fixture
def drawn(page):
    page.get_by_label("Go on by itself").uncheck()
    page.get_by_label("Seed").fill("7")
    draw(page, RING)
    draw(page, RING[3:6])
    page.get_by_role("tab", name="Optimize").click()
    return page


def optimize(page, share):
    set_slider(page, "share", share)
    page.get_by_role("button", name="Optimize").click()
    status(page).to_have_text(READY)


def variants(page):
    """What each variant puts on the paper."""
    found = []
    for button in page.locator("#variants button").all():
        button.click()
        found.append(lines(page))
    return found


def likeness(one, other):
    a, b = (
        np.split(of, np.cumsum([len(line) for line in lines])[:-1])
        for lines in (one, other)
        for of in [on_paper(np.concatenate(lines))]
    )
    return (found(a, b) + found(b, a)) / 2


def on_paper(points):
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    return 255 * (points - low - size / 2) / size.max()


def found(one, other):
    near = [np.exp(-distances(line, other) / 13).mean() for line in one]
    return np.mean(near)


def distances(places, lines):
    """Of each place from the nearest part of lines."""
    stops = np.concatenate(lines)
    starts = np.concatenate([[line[0], *line[:-1]] for line in lines])
    ways = stops - starts
    square = np.maximum((ways**2).sum(axis=-1), 1e-9)
    offsets = places[:, None] - starts
    along = ((offsets * ways).sum(axis=-1) / square).clip(0, 1)
    apart = offsets - along[..., None] * ways
    return np.linalg.norm(apart, axis=-1).min(axis=1)


def test_at_mine_they_are_pythons_the_most_alike_first(drawn, model):
    mine = lines(drawn)
    optimize(drawn, 0)
    phone = PhoneSketcher.load(model)
    given = Sketch(polylines_to_stroke3(mine))
    ways = [
        way.polylines
        for way in phone.optimize(given, _CONDITION, 0.0, 0.3 * 0.3, 7, 12)
    ]
    scores = [likeness(mine, way) for way in ways]
    best = np.argsort(scores)[::-1][:6]
    for shown, number in zip(variants(drawn), best, strict=True):
        agree(shown, ways[number])


def test_at_the_models_the_critic_is_surest_of_the_first(drawn, model):
    optimize(drawn, 1)
    phone = PhoneSketcher.load(model)
    sure = [phone.recognize(full_size(shown))[0] for shown in variants(drawn)]
    assert len(sure) == 6
    assert np.ptp(sure) > 1e-3
    assert (np.diff(sure) < 1e-6).all()


def test_one_key_shows_what_was_before(drawn):
    count = drawn.locator("#ink path")
    expect(count).to_have_count(2)
    optimize(drawn, 0.5)
    after = strokes(drawn)
    expect(count).to_have_count(len(after))
    drawn.keyboard.press("b")
    expect(count).to_have_count(2)
    expect(drawn.get_by_role("button", name="Before")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert strokes(drawn) == after
    drawn.keyboard.press("b")
    expect(count).to_have_count(len(after))


def test_the_slider_goes_on_from_mine_and_is_undone_at_once(drawn):
    mine = strokes(drawn)
    optimize(drawn, 0)
    near = strokes(drawn)
    set_slider(drawn, "share", 1)
    drawn.wait_for_function(
        "old => JSON.stringify(studio.strokes) != JSON.stringify(old)", arg=near
    )
    status(drawn).to_have_text(READY)
    set_slider(drawn, "share", 0)
    drawn.wait_for_function(
        "old => JSON.stringify(studio.strokes) == JSON.stringify(old)", arg=near
    )
    drawn.get_by_role("button", name="Undo").click()
    assert strokes(drawn) == mine
    expect(drawn.locator("#variants button")).to_have_count(0)


def test_a_drawing_of_too_many_points_is_told(drawn):
    drawn.evaluate(
        "studio.change([{by: 'you', points: "
        "Array.from({length: 41}, (_, i) => [i, i * i % 50])}], '')"
    )
    drawn.get_by_role("button", name="Optimize").click()
    status(drawn).to_have_text(
        "The model looks at drawings of at most 40 points; this one has 41. "
        "Erase some strokes."
    )
    expect(drawn.locator("#variants button")).to_have_count(0)
