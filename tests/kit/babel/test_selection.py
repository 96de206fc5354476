"""Which locale and time zone a reader has, and how dates and numbers are written in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from quart import Quart, g, has_websocket_context, render_template_string, request, websocket

from quarterdeck.babel import (
    best_language,
    force_locale,
    format_currency,
    format_date,
    format_datetime,
    format_decimal,
    format_number,
    format_percent,
    format_scientific,
    format_time,
    format_timedelta,
    get_babel,
    get_locale,
    get_timezone,
    gettext,
    refresh,
    to_user_timezone,
    to_utc,
)
from quarterdeck.babel.catalogs import folders_for
from quarterdeck.babel.selection import parse_locale
from quarterdeck.exceptions import AsyncSelectorError, ConfigurationError

MakeApp = Callable[..., Quart]
NOON = datetime(2010, 4, 12, 13, 46)  # noqa: DTZ001  # taken as UTC
SIX_DAYS = timedelta(days=6)


@pytest.fixture
def plain(make_app: MakeApp) -> Quart:
    return make_app()


@pytest.fixture
def german(make_app: MakeApp) -> Quart:
    return make_app(locale_selector=lambda: "de-DE")


@pytest.mark.feature("BA2")
async def test_dates_and_numbers_of_the_default_locale(plain: Quart) -> None:
    async with plain.test_request_context("/"):
        assert format_datetime(NOON) == "Apr 12, 2010, 1:46:00\u202fPM"
        assert format_date(NOON) == format_date(date(2010, 4, 12)) == "Apr 12, 2010"
        assert format_time(NOON) == format_time(time(13, 46), rebase=False) == "1:46:00\u202fPM"
        assert format_timedelta(SIX_DAYS) == "1 week"
        assert format_timedelta(SIX_DAYS, threshold=1) == "6 days"
        assert format_timedelta(datetime.now(UTC) - SIX_DAYS, threshold=1) == "6 days"
        assert format_number(1099) == "1,099"
        assert format_decimal(Decimal("1010.99")) == "1,010.99"
        assert format_currency(1099, "USD") == "$1,099.00"
        assert format_percent(0.19) == "19%"
        assert format_scientific(10000) == "1E4"
        page = await render_template_string(
            "{{ at|datetimeformat('short') }}|{{ at|dateformat }}|{{ at|timeformat }}"
            "|{{ span|timedeltaformat }}|{{ 1099|numberformat }}|{{ 1.5|decimalformat }}"
            "|{{ 5|currencyformat('EUR') }}|{{ 0.5|percentformat }}|{{ 100|scientificformat }}",
            at=NOON,
            span=SIX_DAYS,
        )
    assert page.split("|")[1:] == [
        *("Apr 12, 2010", "1:46:00\u202fPM", "1 week", "1,099", "1.5", "€5.00", "50%", "1E2")
    ]


async def test_zones(plain: Quart) -> None:
    state = get_babel(plain)
    async with plain.test_request_context("/"):
        assert get_timezone() == ZoneInfo("UTC")
        state.default_timezone = "Europe/Vienna"
        assert format_time(NOON, "HH") == "13"
        refresh()
        assert format_time(NOON, "HH") == "15"
        assert to_user_timezone(NOON).hour == 15
        assert to_utc(to_user_timezone(NOON)) == to_utc(NOON + timedelta(hours=2)) == NOON
        assert format_date(datetime(2010, 4, 12, 23, tzinfo=UTC), "d") == "13"
        assert format_date(datetime(2010, 4, 12, 23, tzinfo=UTC), "d", rebase=False) == "12"
    state.default_locale = "de_DE"
    async with plain.test_request_context("/"):
        assert format_datetime(NOON, "long") == "12. April 2010, 15:46:00 MESZ"


async def test_patterns_of_the_app(make_app: MakeApp) -> None:
    app = make_app(
        {"BABEL_DEFAULT_TIMEZONE": "Pacific/Johnston"},
        date_formats={"datetime": "long", "datetime.long": "MMMM d, yyyy h:mm:ss a"},
    )
    async with app.test_request_context("/"):
        assert format_datetime(NOON) == "April 12, 2010 3:46:00 AM"
        get_babel().instance.date_formats["datetime.long"] = "yyyy"
        assert format_datetime(NOON) == "2010"


async def test_selectors_run_once_for_each_request(make_app: MakeApp) -> None:
    chosen: dict[str, str | None] = {"locale": "en_US", "zone": "UTC"}
    calls: list[str] = []

    def locale() -> str | None:
        calls.append("locale")
        return chosen["locale"]

    app = await asyncio.to_thread(
        make_app, locale_selector=locale, timezone_selector=lambda: chosen["zone"]
    )
    async with app.test_request_context("/"):
        assert format_datetime(NOON) == "Apr 12, 2010, 1:46:00\u202fPM"
        assert gettext("Yes") == "Yes"
    assert calls == ["locale"]
    chosen.update(locale="de_DE", zone="Europe/Vienna")
    async with app.test_request_context("/"):
        assert format_datetime(NOON) == "12.04.2010, 15:46:00"
        assert gettext("Yes") == "Ja"
    chosen.update(locale=None, zone=None)
    async with app.test_request_context("/"):
        assert format_datetime(NOON, "short") == "4/12/10, 1:46\u202fPM"


async def test_async_selectors_run_before_the_view(make_app: MakeApp) -> None:
    """The time zone is read outside the event loop, or the test fails."""

    async def locale() -> str | None:
        await asyncio.sleep(0)
        connection = websocket if has_websocket_context() else request
        return g.get("chosen") or connection.args.get("lang")

    async def zone() -> str:
        return "Asia/Chongqing"

    app = make_app(locale_selector=locale, timezone_selector=zone)

    @app.get("/")
    async def index() -> dict[str, str]:
        g.before = str(get_locale())
        g.chosen = "ja"
        await refresh()
        return {"before": g.before, "now": str(get_locale()), "zone": str(get_timezone())}

    @app.websocket("/ws")
    async def socket() -> None:
        await websocket.send(gettext("Yes"))

    async with app.test_app() as tested:
        client = tested.test_client()
        answer = await (await client.get("/?lang=de")).get_json()
        assert answer == {"before": "de", "now": "ja", "zone": "Asia/Chongqing"}
        async with client.websocket("/ws?lang=de") as connection:
            assert await connection.receive() == "Ja"

    async with app.app_context():
        with pytest.raises(AsyncSelectorError, match="'locale_selector' is async"):
            get_locale()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("de-AT, en;q=0.5", "de"),
        ("fr, zh-CN;q=0.8, en;q=0.5", "zh_Hans"),
        ("zh-Hans-CN", "zh_Hans"),
        ("fr", None),
        ("*", None),
    ],
)
async def test_the_language_of_the_browser(plain: Quart, header: str, expected: str | None) -> None:
    offered = ["en", "de", "zh_Hans"]
    async with plain.test_request_context("/", headers={"Accept-Language": header}):
        assert best_language(offered) == expected
    assert best_language(offered) is None


async def test_force_locale(german: Quart) -> None:
    async with german.test_request_context("/"):
        assert str(get_locale()) == "de_DE"
        with force_locale("en_US"):
            assert str(get_locale()) == "en_US"
            refresh()
            assert (str(get_locale()), gettext("Yes")) == ("en_US", "Yes")
            with force_locale("ja"):
                assert str(get_locale()) == "ja"
            assert str(get_locale()) == "en_US"
        assert (str(get_locale()), gettext("Yes")) == ("de_DE", "Ja")


async def test_force_locale_is_for_one_task(german: Quart) -> None:
    forced, looked = asyncio.Event(), asyncio.Event()

    async def other() -> None:
        with force_locale("en_US"):
            forced.set()
            await looked.wait()
            assert str(get_locale()) == "en_US"

    async with german.app_context():
        task = asyncio.create_task(other())
        await forced.wait()
        assert str(get_locale()) == "de_DE"
        looked.set()
        await task


def test_scripts_choose_the_folder() -> None:
    assert list(folders_for(parse_locale("zh-CN"))) == ["zh_Hans_CN", "zh_Hans", "zh_CN", "zh"]
    assert list(folders_for(parse_locale("de"))) == ["de"]
    assert list(folders_for(None)) == []


def test_outside_an_app() -> None:
    assert get_locale() is None
    assert get_timezone() is None
    refresh()
    with force_locale("de"):
        assert format_percent(0.5) == "50\xa0%"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("BABEL_DEFAULT_LOCALE", "xx_YY", "Write it like 'de'"),
        ("BABEL_DEFAULT_LOCALE", "?", "'BABEL_DEFAULT_LOCALE' is '\\?'"),
        ("BABEL_DEFAULT_TIMEZONE", "Mars/Base", "Write it like 'Europe/Vienna'"),
        ("BABEL_DEFAULT_TIMEZONE", "../x", "'BABEL_DEFAULT_TIMEZONE' is"),
    ],
)
def test_a_wrong_default_stops_the_start(
    make_app: MakeApp, key: str, value: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_app({key: value})


async def test_zones_may_be_objects(make_app: MakeApp) -> None:
    app = make_app(timezone_selector=lambda: timezone(timedelta(hours=3)))

    @app.get("/")
    async def index() -> str:
        return format_time(NOON, "HH")

    async with app.test_app() as tested:
        assert await (await tested.test_client().get("/")).get_data(as_text=True) == "16"
