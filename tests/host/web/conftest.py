"""One browser for all tests of the page, each test with a profile of its own."""

import functools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from host.feed import Feed
from host.web.server import LivePage
from tests.browser import Eyes, chromium

fixture = functools.partial(pytest_asyncio.fixture, loop_scope="session")


@fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@fixture
async def eyes(browser: Browser) -> AsyncIterator[Eyes]:
    eyes = Eyes(browser)
    yield eyes
    for context in browser.contexts:
        await context.close()
    assert eyes.unwanted == []


@pytest.fixture
def feed() -> Feed:
    return Feed()


@fixture
async def server(feed: Feed) -> AsyncIterator[LivePage]:
    async with LivePage(feed, norm=lambda metric, speed_mps: (9.0, 2.0)) as page:
        yield page
