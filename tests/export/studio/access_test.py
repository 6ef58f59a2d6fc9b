"""Everyone can use the page: no rule of axe-core is broken."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from export.studio.build import SOURCE
from tests.testing.studio import DESK, NEEDS_BROWSER, PHONE, RING, draw

pytestmark = NEEDS_BROWSER

AXE = Path(SOURCE, "node_modules", "axe-core", "axe.min.js")


@pytest.fixture(params=["light", "dark"])
def themed(page, request):
    page.emulate_media(color_scheme=request.param, reduced_motion="reduce")
    page.get_by_label("Go on by itself").uncheck()
    draw(page, RING)
    return page


def assert_no_rule_is_broken(page):
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(({violations}) => violations)")
    broken = {
        (rule["id"], rule["impact"], node["html"][:200])
        for rule in found
        for node in rule["nodes"]
    }
    assert not broken


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page(themed, size):
    themed.set_viewport_size(size)
    assert_no_rule_is_broken(themed)


def test_every_mode(themed):
    for mode, go, offered in (
        ("Suggest", "#suggest", "#suggestions"),
        ("Optimize", "#optimize", "#variants"),
        ("Blend", "#morph", "#film"),
    ):
        themed.get_by_role("tab", name=mode).click()
        themed.locator(go).click()
        themed.locator(f"{offered} svg").first.wait_for()
        assert_no_rule_is_broken(themed)


def test_dialogs_and_notices(themed):
    themed.get_by_role("button", name="Save").click()
    assert_no_rule_is_broken(themed)
    themed.keyboard.press("Escape")
    rows = [{"word": "a", "drawing": [[[0, 9], [0, 9]]]}] * 3
    text = "\n".join([*map(json.dumps, rows), "broken"])
    file = {"name": "a.ndjson", "mimeType": "", "buffer": text.encode()}
    themed.locator("#file").set_input_files([file])
    expect(themed.locator("#choose")).to_be_visible()
    assert_no_rule_is_broken(themed)
