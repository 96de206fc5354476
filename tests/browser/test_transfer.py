"""Importing and exporting through the pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from .conftest import cookies_of, in_browser

pytestmark = in_browser


@pytest.mark.feature("AP3")
@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
async def test_goods_are_imported_and_exported(
    browser: Browser, address: str, tmp_path: Path, javascript: bool
) -> None:
    file = tmp_path / "goods.csv"
    # A list finds its words anywhere in a code, so no goods of another test may contain these.
    prefix = "EXPORTED-SCRIPT" if javascript else "EXPORTED-PLAIN"
    codes = [f"{prefix}-{number}" for number in range(2500)]
    lines = ["code,name,price,colour", *(f"{code},Import of {code},1.50,red" for code in codes)]
    file.write_text("\n".join(lines))
    context = await browser.new_context(
        storage_state=await cookies_of(browser, address), java_script_enabled=javascript
    )
    page = await context.new_page()

    await page.goto(f"{address}/transfer/goods")
    await page.get_by_label("CSV file").set_input_files(file)
    await page.get_by_role("button", name="Check the file").click()
    await expect(page.get_by_text("Nothing is written yet")).to_be_visible(timeout=20_000)
    await expect(page.get_by_text("Not imported: the columns colour.")).to_be_visible()
    await page.get_by_role("button", name="Import now").click()
    await expect(page.get_by_text("Imported goods: 2500 new")).to_be_visible(timeout=20_000)

    await page.goto(f"{address}/goods/?q={prefix}&sort=-code")
    await expect(page.get_by_role("cell", name=max(codes), exact=True)).to_be_visible()
    await page.locator("main .actions details.menu > summary").click()
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Export this list").click()
    download = await waiting.value
    assert download.suggested_filename.startswith("goods-")
    exported = (await download.path()).read_text(encoding="utf-8").splitlines()
    assert exported[0].startswith("code,name,")
    assert [row.partition(",")[0] for row in exported[1:]] == sorted(codes, reverse=True)

    await page.goto(f"{address}/transfer/")
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Export goods").click()
    exported_all = (await (await waiting.value).path()).read_text(encoding="utf-8")
    assert f"\n{codes[-1]},Import of {codes[-1]},,,1.500," in exported_all
    assert exported_all.count("\n") > len(exported), "the goods of the demonstration, too"
    await context.close()
