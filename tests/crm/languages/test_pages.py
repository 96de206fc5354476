"""Pages and mails in the language of their reader; programs are answered in English."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from jinja2 import nodes
from quart import Quart

from quarterdeck_crm.extensions import db, mail
from quarterdeck_crm.mail.users import mail_invitation
from quarterdeck_crm.models import Role, User
from tests.crm.conftest import Auth, MakeUser
from tests.crm.trading import Trade

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
SKIPPED = ("api.", "static", "metrics.", "health.", "live.", "echo.", "moment.", "bootstrap.")
# Words that are the same in Chinese, and the values of the rows below.
SAME = re.compile(
    r"\b(Quarterdeck|CRM|JSON|API|CSV|UTF-8|UTC|EUR|URL|ID|HTTP|Excel|ada|example|com|"
    r"openapi|English|Deutsch|Esc|Enter|Space|SKIP|kB|MB|GB|noscript)\b",
    re.IGNORECASE,
)
HIDDEN = re.compile(r"<(script|style|code|kbd|template|datalist)\b.*?</\1>", re.S)
SPOKEN = re.compile(
    r"\b(?:title|alt|placeholder|aria-label|"
    r'data-(?:label|text|refusal|picked-up|put-back|unreachable))="([^"]*)"'
)
WORD = re.compile(r"[A-Za-z]{3,}(?: [A-Za-z]+)*")


def english_in(page: str) -> set[str]:
    """Return the English words that a Chinese reader of a page would see or hear."""
    page = re.sub(r'<select[^>]* name="zone".*?</select>', " ", HIDDEN.sub(" ", page), flags=re.S)
    page = page.replace("</span><wbr><span>", "")  # the parts of an address
    shown = [re.sub(r"<time\b.*?</time>|<[^>]+>", " ", page, flags=re.S), *SPOKEN.findall(page)]
    text = html.unescape(" | ".join(shown))
    text = re.sub(r"[\w.+-]+@[\w.-]+|\w+://\S*|\{\w+\}|Etc/UTC", " ", text)
    text = SAME.sub(" ", text)
    return set(WORD.findall(text))


def test_english_words_are_found() -> None:
    """Test the test."""
    page = '<p title="Close it">保存 <b>Save order</b></p><script>let name</script>'
    assert english_in(page) == {"Save order", "Close it"}


@pytest.fixture
async def reader(trade: Trade, make_user: MakeUser, browser: Callable[[], Auth]) -> Auth:
    """A signed-in administrator, with rows whose names have no Latin letters."""
    user = await make_user(Role.ADMIN, name="王伟")
    reader = browser()
    await reader.sign_in(user)
    account = await trade.account(name="海港贸易", code="1001", owner_id=user.id)
    good = await trade.good(name="缆绳", code="2001", price="5")
    await trade.order((good, 2), account=account, actor=user, owner_id=user.id)
    return reader


def addresses(app: Quart) -> Iterator[str]:
    """Yield the addresses of all pages; each row has the id 1."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.startswith(SKIPPED):
            continue
        values: dict[str, Any] = {
            name: "clean_imports" if name == "job_id" else "goods" if name in KINDS else 1
            for name in rule.arguments
        }
        if any(name in {"token", "filename", "number", "digest"} for name in values):
            continue
        yield adapter.build(rule.endpoint, values)


KINDS = {"kind", "name"}


async def test_no_english_word_on_a_chinese_page(app: Quart, reader: Auth) -> None:
    seen = 0
    left = {}
    for address in dict.fromkeys([*addresses(app), "/orders/?q=zzz", "/search?q=1", "/nothing"]):
        response = await reader.get(address, headers=CHINESE)
        if response.mimetype != "text/html" or response.status_code in (301, 302, 303):
            continue
        page = await response.get_data(as_text=True)
        assert response.status_code < 500, address
        assert ' lang="zh-Hans"' in page, address
        if words := english_in(page):
            left[address] = words
        seen += 1
    assert seen > 35
    assert not left, "\n".join(f"{a}: {w}" for a, w in left.items())


async def test_a_place_in_a_list_is_no_job(reader: Auth) -> None:
    """English has one word for both."""
    response = await reader.get("/fields/new/account", headers=CHINESE)
    page = await response.get_data(as_text=True)
    assert "排序" in page
    assert "职位" not in page


async def test_users_choose_their_language(auth: Auth, user: User) -> None:
    await auth.sign_in(user)
    page = await (await auth.get("/auth/profile")).get_data(as_text=True)
    assert ' lang="en"' in page
    entries = {"name": user.name, "phone": "", "notices": "at_once"}
    answer = await auth.post("/auth/profile", page="/auth/profile", language="zh_Hans", **entries)
    assert answer.status_code == 303
    german = {"Accept-Language": "de"}
    response = await auth.get("/auth/profile", headers=german)
    page = await response.get_data(as_text=True)
    assert "个人资料已保存。" in page
    assert "Accept-Language" in response.headers["Vary"]
    await auth.post("/auth/profile", page="/auth/profile", language="", **entries)
    page = await (await auth.get("/auth/profile", headers=german)).get_data(as_text=True)
    assert ' lang="de"' in page
    wrong = await auth.post("/auth/profile", page="/auth/profile", language="fr", **entries)
    assert wrong.status_code == 422


async def test_errors_of_forms_are_translated(auth: Auth, user: User) -> None:
    await auth.sign_in(user)
    form = {"csrf_token": await auth.token("/accounts/new"), "name": "", "email": "nowhere"}
    answer = await auth.client.post("/accounts/new", form=form, headers=CHINESE)
    page = await answer.get_data(as_text=True)
    assert "请输入公司名称。" in page
    assert "请输入邮箱地址" in page


async def test_programs_are_answered_in_english(auth: Auth, user: User) -> None:
    await auth.sign_in(user)
    answer = await auth.get("/api/v1/accounts/99", headers=CHINESE)
    assert (await answer.get_json())["detail"] == (
        "There is no such account. It may have been removed."
    )


@pytest.mark.parametrize(
    "settings",
    [
        {
            "MAIL_ENABLED": True,
            "MAIL_BACKEND": "memory",
            "MAIL_DEFAULT_SENDER": "crm@example.com",
            "PUBLIC_URL": "http://crm.example",
        }
    ],
)
async def test_mails_are_in_the_language_of_their_reader(
    app: Quart, trade: Trade, make_user: MakeUser
) -> None:
    reader = await make_user(language="de")
    async with app.app_context(), db.transaction() as session:
        await mail_invitation(session, user=reader, url="https://crm.example.com/x")
    async with app.app_context():
        (waiting,) = await mail.outbox.list(state="waiting", limit=2)
    assert waiting.subject == "Ihre Einladung zu Quarterdeck"


async def test_dates_and_numbers_without_a_script(auth: Auth, trade: Trade, user: User) -> None:
    await auth.sign_in(user)
    good = await trade.good(price=Decimal("1265.5"))
    page = await (await auth.get(f"/goods/{good.id}", headers={"Accept-Language": "de"})).get_data(
        as_text=True
    )
    assert '<data value="1265.50">1.265,50</data>' in page
    order = await trade.order((good, 1), ordered_on=date(2026, 3, 4))
    page = await (
        await auth.get(f"/orders/{order.id}", headers={"Accept-Language": "de"})
    ).get_data(as_text=True)
    assert "04.03.2026</time>" in page


def test_no_filter_is_applied_to_a_constant(app: Quart) -> None:
    """Jinja would apply it when it compiles the template, in the language of that moment."""
    own = {"money", "percent", "quantity", "shortdate"}
    folded = [
        f"{name}:{node.lineno}"
        for name in app.jinja_env.list_templates(extensions=["html", "txt"])
        for node in app.jinja_env.parse(_source(app, name)).find_all(nodes.Filter)
        if node.name in own and isinstance(node.node, nodes.Const)
    ]
    assert not folded, "write '{{ nothing() }}'"


def _source(app: Quart, name: str) -> str:
    loader = app.jinja_env.loader
    assert loader is not None
    return loader.get_source(app.jinja_env, name)[0]


async def test_a_field_of_numbers_is_not_named_as_the_number_of_an_order(
    as_admin: Auth, trade: Trade
) -> None:
    await trade.order()
    for path, text in (("/fields/new/account", ">数字<"), ("/orders/", ">订单<")):
        page = await (await as_admin.get(path, headers=CHINESE)).get_data(as_text=True)
        assert text in page, path
        assert "编号<" not in page, path


async def test_the_day_of_a_task_is_not_named_as_that_of_a_job(
    as_admin: Auth, trade: Trade
) -> None:
    await trade.task(due_on="2026-12-01")
    page = await (await as_admin.get("/tasks/", headers=CHINESE)).get_data(as_text=True)
    assert "截止时间" in page
    assert "运行" not in page


async def test_the_page_of_the_api_has_the_frame_in_the_language_of_its_reader(
    auth: Auth,
) -> None:
    page = await (await auth.get("/api/v1/docs", headers=CHINESE)).get_data(as_text=True)
    assert "仪表盘" in page
    assert "Dashboard" not in page
    answer = await auth.get("/api/v1/orders/0", headers=CHINESE)
    assert (await answer.get_json())["title"] == "Not Found"
