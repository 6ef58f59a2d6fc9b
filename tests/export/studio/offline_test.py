"""The page as an app: offline, in any folder, told of updates, and silent."""

import gzip
import json
import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.testing.studio import (
    DESK,
    NEEDS_BROWSER,
    RING,
    draw,
    plainly_served,
    ready,
    reload,
    settled,
    strokes,
    until,
)

pytestmark = NEEDS_BROWSER


# Here, and only here, the page's policy holds: see `context` of conftest.
@pytest.fixture(scope="module")
def context(browser):
    with browser.new_context(viewport=DESK) as context:
        yield context


@pytest.fixture
def elsewhere(folder, browser, tmp_path):
    """The page in a folder of a static host, its address, and the folder."""
    copy = tmp_path / "some where" / "page"
    shutil.copytree(folder, copy)
    with (
        plainly_served(tmp_path) as (address, _),
        browser.new_context() as context,
    ):
        page = context.new_page()
        address = f"{address}some%20where/page/"
        page.goto(address)
        ready(page)
        yield page, address, copy


def test_it_works_offline_once_it_is_loaded(page, context):
    context.set_offline(True)
    try:
        page.reload()
        ready(page)
        draw(page, RING)
        until(page, "studio.strokes.length > 1")
    finally:
        context.set_offline(False)


def test_it_works_in_a_folder_of_any_host(elsewhere):
    page, address, _ = elsewhere
    scope = page.evaluate("navigator.serviceWorker.ready.then(r => r.scope)")
    assert scope == address
    assert not page.evaluate("crossOriginIsolated")
    page.context.set_offline(True)
    page.reload()
    ready(page)
    # The host sends no headers; from the second visit on the page has them.
    assert page.evaluate("crossOriginIsolated")
    draw(page, RING)
    until(page, "studio.strokes.length > 1")


def test_an_update_is_told_and_not_forced(elsewhere):
    page, _, folder = elsewhere
    page.get_by_label("Go on by itself").uncheck()
    draw(page, RING)
    before = strokes(page)
    html, worker = folder / "index.html", folder / "sw.js"
    html.write_text(html.read_text().replace("<title>", "<title>New "))
    text = worker.read_text()
    worker.write_text(re.sub('"version":"', r"\g<0>new", text, count=1))
    reload(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("A new version")
    assert page.title() == "Sketch Studio"
    with page.expect_navigation():
        alert.get_by_role("button", name="Use it").click()
    ready(page)
    assert page.title() == "New Sketch Studio"
    assert strokes(page) == before
    names = page.evaluate("caches.keys()")
    assert len(names) == len({re.sub(r"\S+$", "", n) for n in names}) + 1
    assert sum("new" in name for name in names) == 1


def test_other_models_are_seen_at_once_and_old_ones_forgotten(elsewhere):
    page, address, folder = elsewhere
    [entry] = json.loads((folder / "models.json").read_text())
    other = {**entry, "name": "other", "file": "models/other-1.tflite"}
    (folder / entry["file"]).rename(folder / other["file"])
    (folder / "models.json").write_text(json.dumps([other]))
    page.reload()
    ready(page)
    kept = page.evaluate(
        "(async () => { const names = await caches.keys();"
        "const cache = await caches.open(names.find(n => /models$/.test(n)));"
        "return (await cache.keys()).map(({url}) => url); })()"
    )
    assert {url.removeprefix(address) for url in kept} == {
        "models.json",
        other["file"],
    }


def test_nothing_leaves_the_device(page, context, address, tmp_path):
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    page.reload()
    ready(page)
    page.get_by_label("one stroke").check()
    for mode in ("Suggest", "Optimize", "Blend", "Continue"):
        page.get_by_role("tab", name=mode).click()
        draw(page, RING[:8])
        page.get_by_role("tabpanel").locator("button.main").click()
        settled(page)
    page.get_by_role("button", name="Save").click()
    with page.expect_download():
        page.get_by_role("button", name="PNG").click()
    assert asked
    assert all(url.startswith((address, "blob:", "data:")) for url in asked)

    # And if something wanted to: the policy forbids it.
    with plainly_served(tmp_path) as (other, received):
        blocked = page.evaluate(
            """async other => {
              const blocked = new Set();
              const told = new Promise(tell => addEventListener(
                'securitypolicyviolation', event => {
                  blocked.add(event.effectiveDirective);
                  if (blocked.size === 2) setTimeout(tell, 300);
                }));
              await fetch(other).catch(() => {});
              new Image().src = `${other}a.png`;
              navigator.sendBeacon(`${other}b`, 'c');
              await told;
              return [...blocked];
            }""",
            other,
        )
        assert received == []
    assert set(blocked) == {"connect-src", "img-src"}


def test_nothing_in_a_drawing_runs_or_is_loaded(page, tmp_path):
    with plainly_served(tmp_path) as (other, received):
        bad = f"""<svg xmlns="http://www.w3.org/2000/svg" width="99" height="9">
          <script>parent.ran = 1</script>
          <style>@import '{other}s.css'; path {{ marker: url({other}m#m) }}
            rect {{ background: url({other}b.png) }}</style>
          <image href="{other}a.png" width="9" height="9"/>
          <use href="{other}u.svg#u"/>
          <path d="M0 0h90" stroke="#000" onload="parent.ran = 1"
            style="cursor:url({other}c.png),auto" fill="url({other}f#f)"/>
          <foreignObject><img xmlns="http://www.w3.org/1999/xhtml"
            src="{other}i.png" onerror="parent.ran = 1"/></foreignObject>
        </svg>"""
        page.locator("#file").set_input_files(
            {"name": "bad.svg", "mimeType": "", "buffer": bad.encode()}
        )
        until(page, "studio.strokes.length == 1")
        page.wait_for_timeout(300)
        assert received == []
    assert page.evaluate("globalThis.ran") is None


def test_the_page_can_be_installed(page, address):
    manifest = page.request.get(f"{address}manifest.webmanifest").json()
    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        response = page.request.get(address + icon["src"])
        assert response.headers["content-type"] == "image/png"


def test_a_visit_needs_little_besides_the_model(folder):
    """Bytes as they travel, compressed."""

    def size(path):
        return len(gzip.compress(path.read_bytes(), 6))

    page = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name not in ("litert", "models")
    ]
    runtime = folder.glob("litert/litert_wasm_internal.*")
    assert sum(map(size, page)) < 150e3
    assert sum(map(size, runtime)) < 3e6
