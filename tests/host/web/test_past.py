"""From the list of sessions to a session's report: a real store, the service as it runs, a real browser."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from host.config import parse
from host.service import Service
from tests.browser import Eyes, flaws, needs_chromium
from tests.host.stored import store_run

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]


async def test_a_session_in_the_list_leads_to_its_report(tmp_path: Path, eyes: Eyes):
    raw = {"mqtt": {"host": "127.0.0.1", "port": 9}, "web": {"port": 0}, "storage": {"folder": str(tmp_path)}}
    async with Service.open(parse(raw, {}, tmp_path), view=False) as service:
        run = await store_run(service.store, "stand 4; run 3.2", 40.0, runner="ann b")
        page = await eyes.open(f"{service.page_url}#sessions", timezone_id="UTC")
        row = page.locator("#session-list li")
        await expect(row).to_contain_text("ann b")
        await expect(row).to_contain_text(f"{len(run.strides)} strides")
        await row.get_by_role("link").click()  # anything that the page's policy forbids would be on the console
        await expect(page).to_have_url(f"{service.page_url}report/{run.session.replace(' ', '%20')}")
        await expect(page.locator("body")).to_contain_text("not a medical device")
        await expect(page.locator("svg").first).to_be_visible()
        assert await flaws(page) == []
        eyes.expected = ("404",)
        answer = await page.goto(f"{service.page_url}report/nobody")
        assert answer
        assert (answer.status, await answer.text()) == (404, "No session of that name is stored.\n")
