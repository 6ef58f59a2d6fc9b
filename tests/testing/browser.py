"""Debian's Chromium, for the tests of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

# As Playwright allows for what is done on a page; else these are 5 s.
expect.set_options(timeout=30_000)

_CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(
    _CHROMIUM is None, reason="apt-get install chromium"
)
# Chromium asks hosts of its own at every start; tests are for this machine.
# WebAssembly is compiled once: to do so again for speed pays on no page that
# lives for seconds, and takes a quarter of its time.
_SWITCHES = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--js-flags=--liftoff-only",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_CHROMIUM, args=_SWITCHES
        )
        yield browser
        browser.close()
