"""Lists with many custom fields: the frame of the table scrolls, the page never does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.demonstration import Demonstrations
from tests.serving import serving

from .checks import WIDTH, axe_faults, outside
from .conftest import in_browser
from .desk import sit_down
from .test_extremes import send

pytestmark = [*in_browser, pytest.mark.feature("BS1"), pytest.mark.timeout(180)]

LISTS = {
    "account": "/accounts/",
    "deal": "/deals/",
    "good": "/goods/",
    "order": "/orders/",
    "person": "/people/",
}
FIELDS = 12
WIDTHS = (390, 800, 1024, 1280, 1920)
# Resolves as soon as the keys have moved what the frame shows.
SCROLLED = """(frame) => new Promise((done) => {
  const look = () => frame.scrollLeft > 0 ? done() : requestAnimationFrame(look);
  look();
})"""
# Resolves when the frame has been measured at the width of now: observers come after animations.
MEASURED = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done())))"""


@pytest.fixture(scope="module")
def served(
    demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory, chromium: str
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("wide")
    demonstrations.copy(folder, orders=60)
    with serving(folder) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session", scope="module", name="wide")
async def _wide(served: str, shared_browser: Browser) -> AsyncIterator[str]:
    """A CRM whose lists show a dozen custom fields."""
    desk = await sit_down(shared_browser, served)
    await desk.open("/")
    for kind in LISTS:
        for number in range(FIELDS):
            label = f"Vertragsverlängerungszeitpunkt {number}"
            await send(desk, f"/fields/new/{kind}", label=label, in_list="y", type="text", key="",
                options="", help="", position="1", version="0")  # fmt: skip
    await desk.page.context.close()
    yield served


def frame_of(page: Page) -> Locator:
    return page.locator(".list-frame")


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_page_is_never_wider_than_the_window(
    browser: Browser, wide: str, has_scripts: bool
) -> None:
    desk = await sit_down(browser, wide, locale="de-DE", java_script_enabled=has_scripts)
    faults = []
    for path in LISTS.values():
        await desk.page.goto(wide + path)
        for width in WIDTHS:
            await desk.page.set_viewport_size({"width": width, "height": 800})
            if has_scripts:
                await frame_of(desk.page).and_(desk.page.locator("[data-width]")).wait_for()
                await desk.page.evaluate(MEASURED)
            if (across := await desk.page.evaluate(WIDTH)) > width:
                faults.append(f"{path}: {across} pixels wide at {width}")
            faults += [f"{path} at {width}: {fault}" for fault in await outside(desk.page)]
    assert faults == []


async def test_first_column_and_heads_stay_in_sight(browser: Browser, wide: str) -> None:
    desk = await sit_down(browser, wide, viewport={"width": 1280, "height": 500})
    page = desk.page
    for path in LISTS.values():
        await page.goto(wide + path)
        frame = frame_of(page)
        await expect(frame).to_have_attribute("data-width", "wide")
        first = frame.locator("tbody tr").first.locator("td").first
        last_head, last_row = frame.locator("th").last, frame.locator("tbody tr").last
        before = await first.bounding_box()
        await frame.focus()
        await page.keyboard.press("ArrowRight")
        await frame.evaluate(SCROLLED)
        await last_row.locator("td").last.scroll_into_view_if_needed()
        await expect(last_head).to_be_in_viewport(ratio=0.9)
        await expect(frame.locator("th").first).to_be_in_viewport(ratio=1)
        await expect(last_row.locator("td").first).to_be_in_viewport(ratio=0.9)
        after = await last_row.locator("td").first.bounding_box()
        assert before is not None
        assert after is not None
        assert after["x"] == before["x"]
        # Nothing of the other columns is painted above the first one.
        on_top = await last_row.locator("td").first.evaluate(
            """(cell) => {
              const box = cell.getBoundingClientRect();
              return [0.1, 0.5, 0.9].every((part) => cell.contains(
                document.elementFromPoint(box.left + box.width * part, box.top + box.height / 2)));
            }"""
        )
        assert on_top, path


async def test_whole_row_opens_its_record(browser: Browser, wide: str) -> None:
    desk = await sit_down(browser, wide, viewport={"width": 1280, "height": 800})
    page = desk.page
    await desk.open("/accounts/")
    row = frame_of(page).locator("tbody tr").first
    cell = row.locator("td").nth(FIELDS)
    record = await row.locator(".row-link").get_attribute("href")
    async with page.context.expect_page() as opened:
        await cell.click(modifiers=["ControlOrMeta"])
    assert (await opened.value).url == f"{wide}{record}"
    await row.locator("input.pick").check()  # selects, and opens nothing
    assert page.url == f"{wide}/accounts/"
    await cell.click()
    await page.wait_for_url(f"{wide}{record}")


async def test_list_that_fits_has_no_frame_to_scroll(browser: Browser, wide: str) -> None:
    desk = await sit_down(browser, wide, viewport={"width": 1280, "height": 800})
    page = desk.page
    await desk.open("/accounts/?columns=city.field_vertragsverlangerungszeitpunkt_0")
    frame = frame_of(page)
    await expect(frame).to_have_attribute("data-width", "fits")
    await expect(frame).not_to_have_attribute("tabindex", "0")
    head = frame.locator("th").first
    await page.locator(".pager").scroll_into_view_if_needed()
    await expect(head).to_be_in_viewport(ratio=1)

    await desk.open("/accounts/?columns=city.field_")  # no custom field at all
    await expect(page.locator("table.list")).to_be_visible()
    await expect(frame).to_have_count(0)


async def test_list_is_measured_again_when_the_window_or_the_page_changes(
    browser: Browser, wide: str
) -> None:
    desk = await sit_down(browser, wide, viewport={"width": 1280, "height": 800})
    page = desk.page
    await desk.open("/orders/")
    frame = frame_of(page)
    await expect(frame).to_have_attribute("data-width", "wide")
    await page.set_viewport_size({"width": 800, "height": 800})  # rows become cards
    await expect(frame).to_have_attribute("data-width", "fits")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await expect(frame).to_have_attribute("data-width", "wide")
    await frame.evaluate("frame => frame.scrollTo(200, 40)")
    order = await desk.place()
    await expect(page.locator(f"#order-{order['id']}")).to_be_attached()  # shown live
    await expect(frame).to_have_attribute("data-width", "wide")
    assert await frame.evaluate("frame => frame.scrollLeft") == 200


async def test_frame_has_no_fault_for_axe(browser: Browser, wide: str) -> None:
    desk = await sit_down(browser, wide, viewport={"width": 1280, "height": 800})
    for path in LISTS.values():
        await desk.open(path)
        await expect(frame_of(desk.page)).to_have_attribute("data-width", "wide")
        assert await axe_faults(desk.page) == [], path
