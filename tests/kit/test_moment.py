"""Times as they are sent: readable, in UTC, and marked for the script."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest
from quart import Quart, render_template_string

from quarterdeck.exceptions import ExtensionAlreadyInitializedError, MomentArgumentError
from quarterdeck.moment import Moment, Timestamp

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    Moment(app)
    return app


def inner(html: str) -> str:
    """The text between the tags of one element."""
    return unescape(html.partition(">")[2].rpartition("<")[0])


@pytest.mark.feature("MO1")
async def test_in_a_template(app: Quart) -> None:
    async with app.test_request_context("/"):
        html = await render_template_string(
            "{{ moment(at).format('LLL') }} {{ moment(at) }}", at=NINE
        )
    element = (
        '<time datetime="2026-11-21T09:00:00Z" data-moment="format" data-moment-format="LLL">'
        "21 November 2026 09:00 UTC</time>"
    )
    assert html == f"{element} {element}"


@pytest.mark.parametrize(
    ("value", "iso", "text"),
    [
        (NINE.replace(tzinfo=None), "2026-11-21T09:00:00Z", "21 November 2026 09:00 UTC"),
        (
            datetime(2026, 11, 21, 9, tzinfo=timezone(timedelta(hours=2))),
            "2026-11-21T07:00:00Z",
            "21 November 2026 07:00 UTC",
        ),
        (
            datetime(2026, 11, 21, 9, 0, 0, 250_000, tzinfo=UTC),
            "2026-11-21T09:00:00.250Z",
            "21 November 2026 09:00 UTC",
        ),
        (date(2026, 11, 21), "2026-11-21", "21 November 2026"),
        ("2026-11-21T09:00:00Z", "2026-11-21T09:00:00Z", "21 November 2026 09:00 UTC"),
        ("2026-11-21", "2026-11-21", "21 November 2026"),
    ],
)
def test_what_a_time_can_be(value: Any, iso: str, text: str) -> None:
    html = Timestamp(value).format()
    assert f'datetime="{iso}"' in html
    assert inner(html) == text


@pytest.mark.feature("MO1")
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("L", "2026-11-21"),
        ("LL", "21 November 2026"),
        ("LLL", "21 November 2026 09:00 UTC"),
        ("LLLL", "Saturday 21 November 2026 09:00 UTC"),
        ("l ll", "2026-11-21 21 Nov 2026"),
        ("lll", "21 Nov 2026 09:00 UTC"),
        ("llll", "Sat 21 Nov 2026 09:00 UTC"),
        ("LT", "09:00 UTC"),
        ("LTS", "09:00:00 UTC"),
        ("YYYY-MM-DD HH:mm:ss", "2026-11-21 09:00:00 UTC"),
        ("YYYY-MM-DDTHH:mm:ssZ", "2026-11-21T09:00:00+00:00"),
        ("dddd, MMMM Do YYYY", "Saturday, November 21st 2026"),
        ("ddd dd d E do", "Sat Sa 6 6 6th"),
        ("D/M/YY", "21/11/26"),
        ("h:mm a, hh A", "9:00 am, 09 AM UTC"),
        ("H kk k m s S SS SSS", "9 09 9 0 0 0 00 000 UTC"),
        ("Q Qo DDD DDDD DDDo Mo", "4 4th 325 325 325th 11th"),
        ("GGGG GG W WW Wo", "2026 26 47 47 47th"),
        ("ZZ X x", "+0000 1795251600 1795251600000"),
        ("[on] dddd [LT]", "on Saturday LT"),
        ("<b>", "<b>"),
    ],
)
def test_tokens(pattern: str, text: str) -> None:
    assert inner(Timestamp(NINE).format(pattern)) == text


@pytest.mark.parametrize(
    ("at", "pattern", "text"),
    [
        ("2026-01-01T00:30:00Z", "h:mm a kk Do WW GGGG", "12:30 am 24 1st 01 2026 UTC"),
        ("2026-03-02T12:00:00Z", "h A Do", "12 PM 2nd UTC"),
        ("2026-03-03T23:00:00Z", "h A Do", "11 PM 3rd UTC"),
        ("2026-08-11T00:00:00Z", "Do", "11th"),
        ("2026-08-12T00:00:00Z", "Do", "12th"),
        ("2026-08-13T00:00:00Z", "Do", "13th"),
        ("2027-01-03T00:00:00Z", "d E WW GGGG", "0 7 53 2026"),
        ("0987-01-02T00:00:00Z", "YYYY", "0987"),
    ],
)
def test_tokens_at_their_edges(at: str, pattern: str, text: str) -> None:
    assert inner(Timestamp(at).format(pattern)) == text


def test_a_date_alone_shows_no_clock() -> None:
    assert inner(Timestamp(date(2026, 11, 21)).format("LLLL")) == "Saturday 21 November 2026"


@pytest.fixture
def short() -> tuple[Quart, Moment]:
    app = Quart(__name__)
    app.config["MOMENT_DEFAULT_FORMAT"] = "D MMM"
    return app, Moment(app)


async def test_default_format(short: tuple[Quart, Moment]) -> None:
    app, moment = short
    async with app.app_context():
        assert inner(moment(NINE).format()) == "21 Nov"


@pytest.mark.feature("MO1")
@pytest.mark.parametrize(
    ("method", "kind"), [("fromNow", "from"), ("toNow", "to"), ("calendar", "calendar")]
)
def test_what_depends_on_now_is_sent_as_the_time(method: str, kind: str) -> None:
    html = getattr(Timestamp(NINE), method)(refresh=True)
    assert html == (
        f'<time datetime="2026-11-21T09:00:00Z" data-moment="{kind}" data-moment-refresh="60000">'
        "21 November 2026 09:00 UTC</time>"
    )
    assert "refresh" not in getattr(Timestamp(NINE), method)()
    assert 'refresh="30000"' in getattr(Timestamp(NINE), method)(refresh=0.5)
    if method != "calendar":
        assert 'data-moment-plain=""' in getattr(Timestamp(NINE), method)(no_suffix=True)


@pytest.mark.feature("MO1")
@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (44, "now"),
        (-44, "now"),
        (45, "in 1 minute"),
        (-100, "2 minutes ago"),
        (44 * 60, "in 44 minutes"),
        (45 * 60, "in 1 hour"),
        (-21 * 3600, "21 hours ago"),
        (-22 * 3600, "1 day ago"),
        (25 * 86400, "in 25 days"),
        (26 * 86400, "in 1 month"),
        (-320 * 86400, "1 year ago"),
        (-3 * 366 * 86400, "3 years ago"),
        (77_400, "in 1 day"),  # 21.5 hours; the next ones are as exactly between two numbers
        (2_203_200, "in 1 month"),
        (24_983_100, "in 10 months"),
        (47_336_400, "in 2 years"),
    ],
)
def test_distance_between_two_times(seconds: int, words: str) -> None:
    other = NINE + timedelta(seconds=seconds)
    assert inner(Timestamp(other).fromTime(NINE)) == words
    assert inner(Timestamp(NINE).toTime(other)) == words


def test_distance_without_direction() -> None:
    html = Timestamp(NINE).fromTime(date(2026, 11, 19), no_suffix=True)
    assert inner(html) == "2 days"
    assert 'data-moment-plain="" data-moment-other="2026-11-19"' in html
    assert inner(Timestamp(NINE).toTime("2026-11-24", no_suffix=True)) == "3 days"
    assert inner(Timestamp(NINE).toTime(NINE, no_suffix=True)) == "0 seconds"


@pytest.mark.feature("MO1")
def test_numbers() -> None:
    assert inner(Timestamp(NINE).unix()) == "1795251600"
    assert inner(Timestamp(NINE).valueOf()) == "1795251600000"


@pytest.mark.parametrize(
    ("a", "b", "unit", "number"),
    [
        ("2026-11-21T09:00:00Z", "2026-11-21T08:58:30Z", "milliseconds", 90_000),
        ("2026-11-21T09:00:00Z", "2026-11-21T08:58:30Z", "minutes", 1),
        ("2026-11-21T08:58:30Z", "2026-11-21T09:00:00Z", "minute", -1),
        ("2026-11-21", "2026-11-01", "days", 20),
        ("2026-11-21T09:00:00Z", "2026-11-20T10:30:00Z", "hours", 22),
        ("2026-11-21", "2026-11-01", "weeks", 2),
        ("2026-11-21", "2026-10-21", "months", 1),
        ("2026-11-20", "2026-10-21", "months", 0),
        ("2026-10-21", "2026-11-20", "months", 0),
        ("2026-10-20", "2026-11-20", "months", -1),
        ("2026-02-28", "2026-01-31", "months", 1),
        ("2026-03-30", "2026-01-31", "months", 1),
        ("2028-02-28", "2024-02-29", "years", 3),
        ("2027-11-21", "2026-11-21", "years", 1),
        ("2026-11-21", "2026-01-01", "quarters", 3),
    ],
)
def test_diff(a: str, b: str, unit: str, number: int) -> None:
    assert inner(Timestamp(a).diff(b, unit)) == str(number)


@pytest.mark.parametrize("unit", ["milliseconds", "seconds", "minutes", "hours", "days", "weeks"])
def test_a_unit_counts_once_it_is_full(unit: str) -> None:
    full = NINE + timedelta(**{unit: 1})
    assert inner(Timestamp(full).diff(NINE, unit)) == "1"
    assert inner(Timestamp(full - timedelta(milliseconds=1)).diff(NINE, unit)) == "0"


def test_no_time_is_written_as_nothing() -> None:
    never = Timestamp(None)
    assert (never.fromNow() or "never") == "never"
    assert (never.format("LLL"), never.calendar(), never.unix(), never.diff(NINE)) == ("",) * 4
    assert (never.fromTime(NINE), never.toTime(NINE), str(never)) == ("",) * 3


async def test_now_is_only_what_was_not_given(app: Quart) -> None:
    moment: Any = app.jinja_env.globals["moment"]
    async with app.app_context():
        for now in (moment(), moment.create()):
            assert abs(int(inner(now.unix())) - datetime.now(UTC).timestamp()) < 5
        assert moment(None).unix() == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Timestamp(1795251600), "1795251600 is not a time"),  # type: ignore[arg-type]
        (lambda: Timestamp("yesterday"), "'yesterday' is not a time in ISO 8601"),
        (lambda: Timestamp(NINE).diff(NINE, "fortnights"), "Choose one of milliseconds"),
        (lambda: Moment().lang("<b>"), "'<b>' is not a language code"),
    ],
)
def test_what_cannot_be_understood(call: Any, message: str) -> None:
    with pytest.raises(MomentArgumentError, match=message):
        call()


def test_attributes_are_escaped() -> None:
    html = Timestamp(NINE).format('["><script>]')
    assert "<script>" not in html
    assert inner(html) == '"><script>'


async def test_script_and_language(app: Quart) -> None:
    async with app.test_request_context("/"):
        html = await render_template_string(
            "{{ moment.include_moment(nonce='n') }}{{ moment.lang('pt_BR') }}"
            "{{ moment.locale('es') }}"
        )
    script, _, rest = html.partition("</script>")
    assert rest == (
        '<template data-moment-locale="pt-BR"></template>'
        '<template data-moment-locale="es"></template>'
    )
    assert script.startswith('<script type="module" src="/moment/static/moment.js?v=')
    assert script.endswith(' nonce="n">')
    response = await app.test_client().get(script.split('"')[3])
    assert response.mimetype == "text/javascript"
    assert "immutable" in response.headers["Cache-Control"]


async def test_arguments_of_flask_moment(app: Quart) -> None:
    async with app.test_request_context("/"):
        html = await render_template_string(
            "{{ moment.include_moment(version='2.29', local_js='/x.js', no_js=True) }}|"
            "{{ moment.locale(auto_detect=True) }}|{{ moment.locale() }}|"
            "{{ moment.create('2026-01-02').format() }}"
        )
        with pytest.raises(MomentArgumentError, match="cannot change a language"):
            await render_template_string("{{ moment.locale('en', customization={}) }}")
    script, nothing, english, time = html.split("|")
    assert script.startswith('<script type="module" src="/moment/static/moment.js?v=')
    assert nothing == ""
    assert english == '<template data-moment-locale="en"></template>'
    assert "2 January 2026" in time


def test_a_time_on_the_wall_has_no_zone() -> None:
    zone = timezone(timedelta(hours=5))
    opening = Timestamp(datetime(2026, 1, 2, 9, 30, tzinfo=zone), local=True)
    assert opening.format("LLL") == (
        '<time datetime="2026-01-02T09:30:00" data-moment="format" data-moment-format="LLL">'
        "2 January 2026 09:30</time>"
    )
    assert ' data-moment-other="2026-01-02T08:30:00"' in opening.fromTime("2026-01-02T08:30:00")


async def test_now_on_the_wall(app: Quart) -> None:
    async with app.app_context():
        html = await render_template_string("{{ moment(local=True).format() }}")
    assert "UTC" not in html


def test_init_app() -> None:
    app, moment = Quart(__name__), Moment()
    moment.init_app(app)
    assert app.jinja_env.globals["moment"] is moment


def test_init_app_twice(app: Quart) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        Moment(app)
