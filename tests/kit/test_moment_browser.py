"""The script in a real browser, in two time zones and languages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright, expect
from quart import Quart, Response, render_template_string

from quarterdeck.moment import Moment, Timestamp
from tests.services import require_chromium

pytestmark = [
    pytest.mark.external_service("chromium"),
    pytest.mark.feature("MO1"),
    pytest.mark.asyncio(loop_scope="module"),  # one browser for all
]

NINE = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)  # a Wednesday; the browsers' clock starts here
POLICY = "default-src 'none'; script-src 'self'"
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
]

Open = Callable[..., Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    chromium = require_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Open:
    """A function that shows a template in a browser of some zone and language."""
    app = Quart(__name__)
    Moment(app)
    app.after_request(_with_policy)

    async def answer(route: Route) -> None:
        response = await app.test_client().get(route.request.url.removeprefix("http://app.test"))
        body = await response.get_data(as_text=False)
        await route.fulfill(
            status=response.status_code, headers=dict(response.headers), body=bytes(body)
        )

    async def open_page(source: str, zone: str, language: str, **values: Any) -> Page:
        async def index() -> str:
            return await render_template_string(source + "{{ moment.include_moment() }}", **values)

        app.view_functions["index"] = index
        context = await browser.new_context(timezone_id=zone, locale=language)
        await context.route("**/*", answer)
        page = await context.new_page()
        await page.clock.install(time=NOW)
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto("http://app.test/")
        assert problems == []
        return page

    app.add_url_rule("/", "index", lambda: "")
    return open_page


def _with_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    return response


async def texts(page: Page) -> list[str]:
    """What the reader sees; every kind of space as a plain one."""
    found = await page.locator("time").all_inner_texts()
    return [" ".join(text.split()) for text in found]


NEW_YORK = ("America/New_York", "en-US")
OSLO = ("Europe/Oslo", "nb-NO")


FORMATS = [
    ("LT", "4:05 AM", "10:05"),
    ("LTS", "4:05:07 AM", "10:05:07"),
    ("L", "11/21/2026", "21.11.2026"),
    ("LL", "November 21, 2026", "21. november 2026"),
    ("LLL", "November 21, 2026 at 4:05 AM", "21. november 2026 kl. 10:05"),
    (
        "LLLL",
        "Saturday, November 21, 2026 at 4:05 AM",
        "lørdag 21. november 2026 kl. 10:05",
    ),
    ("YYYY-MM-DD HH:mm:ss Z", "2026-11-21 04:05:07 -05:00", "2026-11-21 10:05:07 +01:00"),
    ("dddd D MMMM [at] h A", "Saturday 21 November at 4 AM", "lørdag 21 november at 10 A.M."),
    ("Do DDDD E WW GGGG Q", "21st 325 6 47 2026 4", "21 325 6 47 2026 4"),
    ("hh kk a X", "04 04 am 1795251907", "10 10 a.m. 1795251907"),
]  # tokens, in New York, in Oslo


@pytest.mark.parametrize(("place", "column"), [(NEW_YORK, 1), (OSLO, 2)], ids=["us", "no"])
async def test_format(open_page: Open, place: tuple[str, str], column: int) -> None:
    source = "{% for each in formats %}{{ moment(at).format(each[0]) }}{% endfor %}"
    page = await open_page(source, *place, at=NINE, formats=FORMATS)
    assert await texts(page) == [each[column] for each in FORMATS]


async def test_the_same_time_is_another_day_elsewhere(open_page: Open) -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    page = await open_page("{{ moment(at).format('YYYY-MM-DD HH:mm') }}", *OSLO, at=late)
    assert await texts(page) == ["2026-11-22 00:30"]


async def test_a_date_alone_is_the_same_day_everywhere(open_page: Open) -> None:
    source = (
        "{{ moment(d).format('LLLL') }}{{ moment(d).format('YYYY-MM-DD Z') }}"
        "{{ moment(d).calendar() }}"
    )
    page = await open_page(source, *NEW_YORK, d=date(2026, 1, 1))
    shown = ["Thursday, January 1, 2026", "2026-01-01 +00:00", "01/01/2026"]
    assert await texts(page) == shown
    assert await page.locator("time").last.get_attribute("title") == "January 1, 2026"


async def test_distances(open_page: Open) -> None:
    source = """{{ moment(a).fromNow() }}{{ moment(b).fromNow() }}{{ moment(a).toNow() }}
        {{ moment(a).fromNow(no_suffix=True) }}{{ moment(now).fromNow() }}
        {{ moment(a).fromTime(b) }}{{ moment(a).toTime(b) }}"""
    values = {"now": NOW, "a": NOW - timedelta(hours=3), "b": NOW + timedelta(days=2)}
    page = await open_page(source, *NEW_YORK, **values)
    assert await texts(page) == [
        *("3 hours ago", "in 2 days", "in 3 hours", "3 hours", "now", "2 days ago", "in 2 days")
    ]
    page = await open_page(source, *OSLO, **values)
    assert (await texts(page))[:4] == ["for 3 timer siden", "om 2 døgn", "om 3 timer", "3 timer"]


async def test_yesterday_is_said_of_dates_only(open_page: Open) -> None:
    source = "{% for day in days %}{{ moment(day).fromNow() }}{% endfor %}"
    days = [date(2026, 11, 25), date(2026, 11, 26), date(2026, 11, 24), NOW - timedelta(hours=35)]
    page = await open_page(source, "UTC", "en-GB", days=days)
    assert await texts(page) == ["today", "tomorrow", "yesterday", "1 day ago"]


async def test_calendar(open_page: Open) -> None:
    source = "{% for n in (0, -1, 1, 3, 300) %}{{ moment(now + n * day).calendar() }}{% endfor %}"
    page = await open_page(source, "UTC", "en-GB", now=NOW, day=timedelta(days=1))
    assert await texts(page) == [
        *("today, 12:00", "yesterday, 12:00", "tomorrow, 12:00", "Saturday 12:00", "21/09/2027")
    ]


async def test_the_exact_time_is_a_hover_away(open_page: Open) -> None:
    page = await open_page("{{ moment(at).fromNow() }}", *NEW_YORK, at=NINE)
    time = page.locator("time")
    assert await time.get_attribute("title") == "November 21, 2026 at 4:05 AM"
    assert await time.get_attribute("datetime") == "2026-11-21T09:05:07Z"
    assert await time.get_attribute("lang") == "en-US"


async def test_one_language_for_everybody(open_page: Open) -> None:
    page = await open_page("{{ moment(at).format('LL') }}{{ moment.lang('es') }}", *OSLO, at=NINE)
    assert await texts(page) == ["21 de noviembre de 2026"]
    assert await page.locator("time").get_attribute("lang") == "es"


async def test_numbers_stay_as_they_are(open_page: Open) -> None:
    page = await open_page("{{ moment(at).unix() }}{{ moment(at).valueOf() }}", *OSLO, at=NINE)
    assert await texts(page) == ["1795251907", "1795251907000"]


async def test_what_is_added_or_changed_later_is_written_too(open_page: Open) -> None:
    page = await open_page("<main></main>", *NEW_YORK)
    await page.evaluate(
        """() => document.querySelector("main").append(Object.assign(
            document.createElement("p"),
            {innerHTML: '<time datetime="2026-11-21T09:05:07Z" data-moment="format"'
                + ' data-moment-format="LT">09:05 UTC</time>'}))"""
    )
    await expect(page.locator("time")).to_have_text("4:05 AM")
    await page.evaluate("document.querySelector('time').dateTime = '2026-11-21T10:05:07Z'")
    await expect(page.locator("time")).to_have_text("5:05 AM")


async def test_refresh(open_page: Open) -> None:
    source = "{{ moment(at).fromNow(refresh=True) }}{{ moment(at).fromNow() }}"
    page = await open_page(source, *NEW_YORK, at=NOW)
    assert await texts(page) == ["now", "now"]
    await page.clock.fast_forward("02:00")
    await expect(page.locator("time").first).to_have_text("2 minutes ago")
    await page.clock.fast_forward("03:00")
    await expect(page.locator("time").first).to_have_text("5 minutes ago")
    assert await page.locator("time").last.inner_text() == "now"


async def test_without_the_script(browser: Browser) -> None:
    page = await browser.new_page(java_script_enabled=False)
    await page.set_content(Timestamp(NINE).fromNow())
    assert await texts(page) == ["21 November 2026 09:05 UTC"]


async def test_what_is_no_time_is_left_alone(open_page: Open) -> None:
    page = await open_page('<time datetime="soon" data-moment="from">soon</time>', *OSLO)
    assert await texts(page) == ["soon"]
