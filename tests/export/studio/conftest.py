from pathlib import Path

import pytest

from tests.testing import studio


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return studio.write_toy(tmp_path_factory.mktemp("model") / "toy.tflite")


@pytest.fixture(scope="session")
def folder(model, tmp_path_factory) -> Path:
    """The built page."""
    from export.studio.build import build

    folder = tmp_path_factory.mktemp("studio") / "page"
    build({"toy": model}, folder)
    return folder


@pytest.fixture(scope="session")
def address(folder):
    with studio.served(folder) as address:
        yield address


# Not for the whole session: while Playwright is open, its event loop is the
# process's, and neither another nor `asyncio.run` can start.
@pytest.fixture(scope="module")
def browser():
    with studio.chromium() as browser:
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
    yield page
    page.close()
    assert not errors
