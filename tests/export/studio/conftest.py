from pathlib import Path

import pytest

from export.studio.server import running, serve
from tests.testing import studio
from tests.testing.browser import chromium
from tests.testing.sharing import made_once


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return made_once(tmp_path_factory, "toy.tflite", studio.write_toy)


@pytest.fixture(scope="session")
def folder(model, tmp_path_factory) -> Path:
    """The built page."""
    from export.studio.build import build

    return made_once(
        tmp_path_factory, "page", lambda folder: build({"toy": model}, folder)
    )


@pytest.fixture(scope="session")
def address(folder):
    with running(serve(folder, 0)) as address:
        yield address


# Not for the whole session: while Playwright is open, its event loop is the
# process's, and neither another nor `asyncio.run` can start.
@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def context(browser):
    """One for all tests of a module, so that the page is loaded once.

    Playwright waits for functions by `eval`, which the page's policy forbids.
    """
    with browser.new_context(viewport=studio.DESK, bypass_csp=True) as context:
        yield context


@pytest.fixture
def page(context, address):
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    studio.forget(page, address)  # what the last test has left
    page.goto(address)
    studio.ready(page)
    studio.set_slider(page, "speed", 7)  # at once
    page.get_by_label("Seed").fill("1")  # else it is a random one
    yield page
    page.close()
    assert not errors
