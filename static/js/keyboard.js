// Single keys: / search, n new, j and k rows, x done, ? help. Silent while somebody types.

import { openPalette } from "./palette.js";

const typing = (node) =>
  node.isContentEditable || /^(input|textarea|select)$/i.test(node.tagName);

function moveRow(step) {
  const rows = [...document.querySelectorAll("main .row-link")];
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.closest("tr, li")?.contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return true;
}

function search() {
  // The page's own list first, the palette where there is none.
  const own = document.querySelector('main [data-key="/"]');
  if (!own && openPalette()) return true;
  const box = own ?? document.querySelector('[data-key="/"]');
  box?.focus();
  box?.select();
  return Boolean(box);
}

function add() {
  const link = document.querySelector('main [data-key="n"]');
  link?.click();
  return Boolean(link);
}

/** Mark the task of the row as done, or that of the page. */
function done() {
  const row = document.activeElement.closest("main :is(tr, li)");
  const button = (row ?? document.querySelector("main .page-head"))?.querySelector('[data-key="x"]');
  button?.click();
  return Boolean(button);
}

function help() {
  document.getElementById("keys")?.showModal();
  return true;
}

const keys = { "/": search, n: add, j: () => moveRow(1), k: () => moveRow(-1), x: done, "?": help };

// Escape leaves the search, so that the single keys work again.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.('[data-key="/"]')) event.target.blur();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  if (keys[event.key]?.()) event.preventDefault();
});
