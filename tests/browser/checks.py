"""Checks of a page: things outside their place, findings of axe, elements that Tab reaches."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Locator, Page, expect

WIDTH = "document.documentElement.scrollWidth"

# Everything painted must be within the window and within the box of each ancestor that can be
# seen: one with a border, a shadow or a colour of its own. An ancestor that scrolls or cuts
# long text ends the search, and so does one that floats above the page.
# Questions are asked as a click would, one of each kind: that with the longest text.
OUTSIDE = r"""
() => {
  const faults = new Set();
  const seen = (style) =>
    style.borderTopWidth !== "0px" || style.borderLeftWidth !== "0px" ||
    style.boxShadow !== "none" || !/, 0\)$|transparent/.test(style.backgroundColor);
  const name = (element) =>
    element.tagName.toLowerCase() + [...element.classList].map((word) => "." + word).join("");
  const once = (find) => {
    const known = new Map();
    return (element) => {
      if (!known.has(element)) known.set(element, find(element));
      return known.get(element);
    };
  };
  const look = (root) => {
    const hidden = once((element) =>
      element && (/inset\(50%\)/.test(getComputedStyle(element).clipPath) ||
        element.classList.contains("visually-hidden") || hidden(element.parentElement)));
    const boxOf = once((element) => {
      const style = getComputedStyle(element);
      return {
        flows: style.display === "inline" || style.display === "contents",
        floats: ["absolute", "fixed"].includes(style.position),
        cuts: style.overflowX !== "visible",
        place: seen(style) && element.getBoundingClientRect(),
      };
    });
    const check = (rects, parent, what) => {
      if (hidden(parent)) return;
      for (const rect of rects) {
        if (rect.width < 2 || rect.height < 2) continue;
        let goesOn = true;
        for (let element = parent; element && goesOn; element = element.parentElement) {
          const box = boxOf(element), place = box.place;
          if (box.floats) goesOn = false;
          if (box.flows) continue;
          if (place && (rect.left < place.left - 1 || rect.right > place.right + 1 ||
              rect.top < place.top - 1 || rect.bottom > place.bottom + 1)) {
            faults.add(`${what} is outside ${name(element)}`);
            return;
          }
          if (box.cuts) goesOn = false;
        }
        if (goesOn && (rect.left < -1 || rect.right > innerWidth + 1)) {
          faults.add(`${what} is outside the window`);
          return;
        }
      }
    };
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode()); ) {
      const parent = node.parentElement;
      if (!node.data.trim() || !parent.checkVisibility({visibilityProperty: true})) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const text = node.data.trim().slice(0, 20);
      check(range.getClientRects(), parent, `"${text}" in ${name(parent)}`);
    }
    const controls = "img, svg, input, select, textarea, button, a.btn";
    for (const element of root.querySelectorAll(controls)) {
      if (element.checkVisibility({visibilityProperty: true}) && element.type !== "hidden") {
        check([element.getBoundingClientRect()], element.parentElement, name(element));
      }
    }
    const across = document.documentElement.scrollWidth;
    if (across > innerWidth) {
      const wide = [...document.body.querySelectorAll("*")].filter(
        (element) => element.getBoundingClientRect().right > innerWidth);
      faults.add(`the page is ${across} pixels wide: ${wide.slice(-3).map(name).join(", ")}`);
    }
  };
  look(document.body);
  const questions = new Map();
  for (const details of document.querySelectorAll("details.confirm")) {
    const kind = details.querySelector("summary").textContent.trim();
    const known = questions.get(kind);
    if (!known || known.textContent.length < details.textContent.length) {
      questions.set(kind, details);
    }
  }
  const dialog = document.querySelector("#ask");
  for (const details of dialog ? questions.values() : []) {
    details.querySelector("summary").click();
    if (!dialog.open) faults.add(`${name(details)} asks nothing`);
    look(dialog);
    dialog.close();
  }
  return [...faults];
}
"""

# The whole result would take as long to hand over as to find. Swagger UI comes as it is, and of
# long lists the first rows and cards stand for all: contrast took half a second for a page of 50.
AXE = """
async (rules) => {
  const where = {exclude: ["#api", "tbody > tr:nth-child(n+9)", "li.board-card:nth-child(n+5)"]};
  const what = {resultTypes: ["violations"], preload: false, rules};
  const {passes, violations} = await axe.run(where, what);
  return {
    passed: passes.length,
    faults: violations.map(({id, nodes}) => `${id}: ${nodes[0].html.slice(0, 120)}`),
  };
}
"""
OF_PAGES = ("landmark-one-main", "page-has-heading-one", "region")


async def outside(page: Page) -> list[str]:
    """Return the descriptions of all that is painted outside its place, also in questions."""
    found: list[str] = await page.evaluate(OUTSIDE)
    return found


async def axe_faults(page: Page, *, is_part: bool = False) -> list[str]:
    """Return the findings of axe for a page as it is shown now, also the minor ones.

    A part, such as a mail, needs no landmarks and no heading of its own.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate(AXE, {rule: {"enabled": not is_part} for rule in OF_PAGES})
    assert found["passed"], "axe looked at nothing"
    return list(found["faults"])


MAX_TABS = 200
# An element that a live page has put in the place of another is looked for again.
HAS_FOCUS = "(element) => element.isConnected ? element === document.activeElement : null"


async def reach(page: Page, target: Locator) -> None:
    """Press Tab until something has the focus, as readers without a mouse do."""
    await expect(target).to_be_visible()
    # Found once: to look for a name in the whole page takes longer than to press a key.
    element = await target.element_handle()
    for _ in range(MAX_TABS):
        has_focus = await element.evaluate(HAS_FOCUS)
        if has_focus:
            return
        if has_focus is None:
            element = await target.element_handle()
            continue
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target} on {page.url}")
