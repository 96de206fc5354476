// The palette: results while somebody types, recent records and commands, on Ctrl-K, / and a button.

import { text } from "./text.js";

const PAUSE = 150; // milliseconds without a key before the server is asked
const MAX_RECENT = 6;
const RECORD = /^\/(accounts|people|deals|orders|tasks|goods)\/\d+$/;
const STORE = "recent";

const dialog = document.getElementById("palette");
const field = dialog?.querySelector("input");
const list = dialog?.querySelector("[role=listbox]");
const status = dialog?.querySelector("[role=status]");

let asked, waiting, found = [];

// --- Recent records are kept in this browser, for one user, until the sign-out.

function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? "{}");
    return kept.user === dialog.dataset.user && Array.isArray(kept.items) ? kept.items : [];
  } catch {
    return [];
  }
}

export function forgetRecent() {
  try {
    localStorage.removeItem(STORE);
  } catch { /* a browser without storage keeps nothing */ }
}

function remember() {
  const title = document.querySelector("main h1")?.textContent.trim();
  if (!RECORD.test(location.pathname) || !title) return;
  const others = recent().filter((item) => item.url !== location.pathname);
  const items = [{ title, url: location.pathname }, ...others].slice(0, MAX_RECENT);
  try {
    localStorage.setItem(STORE, JSON.stringify({ user: dialog.dataset.user, items }));
  } catch { /* full or forbidden: the list stays empty */ }
}

// --- The list.

const options = () => [...list.querySelectorAll("[role=option]")];

function choose(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (option) {
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    field.removeAttribute("aria-activedescendant");
  }
}

function move(step) {
  const all = options();
  const at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
  choose(all[(at + step + all.length) % all.length] ?? null);
}

function group(title, items) {
  const part = document.createElement("div");
  const head = document.createElement("div");
  part.setAttribute("role", "group");
  part.setAttribute("aria-label", title);
  head.className = "palette-head";
  head.setAttribute("aria-hidden", "true");
  head.textContent = title;
  part.append(head, ...items);
  return part;
}

function record({ title, detail, url }) {
  const link = document.createElement("a");
  link.href = url;
  link.append(title);
  if (detail) {
    const more = document.createElement("span");
    more.textContent = detail;
    link.append(more);
  }
  return link;
}

function command(template) {
  const link = template.cloneNode(true);
  link.removeAttribute("data-words");
  return link;
}

function draw() {
  const q = field.value.trim();
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...dialog.querySelector("template").content.children];
  const commands = all.filter((each) => {
    const own = `${each.textContent} ${each.dataset.words ?? ""}`.toLowerCase();
    return words.every((word) => own.includes(word));
  });
  const parts = q
    ? found.map(({ title, items }) => group(title, items.map(record)))
    : [recent()].filter((items) => items.length).map((items) => group(text("Recent"), items.map(record)));
  if (commands.length) parts.push(group(text("Commands"), commands.map(command)));
  if (q) {
    const url = `${dialog.dataset.search}?q=${encodeURIComponent(q)}`;
    parts.push(group(text("Search"), [record({ title: text("Search everything for “{q}”", { q }), url })]));
  }
  list.replaceChildren(...parts);
  prepare();
}

function prepare() {
  const all = [...list.querySelectorAll("a, button")];
  all.forEach((each, index) => {
    each.id = `palette-${index}`;
    each.tabIndex = -1;
    each.setAttribute("role", "option");
  });
  choose(all[0] ?? null);
}

async function ask(q) {
  asked?.abort();
  asked = new AbortController();
  const response = await fetch(`${dialog.dataset.quick}?q=${encodeURIComponent(q)}`, {
    headers: { Accept: "application/json" },
    signal: asked.signal,
  });
  if (!response.ok || field.value.trim() !== q) return;
  found = await response.json();
  draw();
  const count = found.reduce((sum, { items }) => sum + items.length, 0);
  status.textContent = text("{count} found", { count });
}

function changed() {
  clearTimeout(waiting);
  asked?.abort();
  const q = field.value.trim();
  found = [];
  status.textContent = "";
  draw();
  if (q) waiting = setTimeout(() => ask(q).catch(() => {}), PAUSE);
}

/** Do what an option stands for: a command may press a button of the page. */
function run(option, event) {
  const target = option.dataset.press && document.querySelector(option.dataset.press);
  if (target) {
    event.preventDefault();
    dialog.close();
    target.click();
  } else if (option !== event.target.closest("a")) {
    option.click();
  }
}

/** Open the palette; the focus comes back to where it was when it closes. */
export function openPalette() {
  if (!dialog || document.querySelector("dialog[open]")) return false;
  field.value = "";
  changed();
  dialog.showModal();
  field.focus();
  return true;
}

if (dialog) {
  remember();
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  field.addEventListener("input", changed);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const option = list.querySelector("[aria-selected=true]");
      if (option) run(option, event);
    }
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) run(option, event);
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog.open) dialog.close();
      else openPalette();
    }
  });
  for (const link of document.querySelectorAll("[data-palette]")) {
    link.setAttribute("role", "button");
    link.setAttribute("aria-haspopup", "dialog");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // opens the search elsewhere
      if (openPalette()) event.preventDefault();
    });
    link.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      link.click();
    });
  }
  document.addEventListener("submit", ({ target }) => {
    if (target.matches("[data-sign-out]")) forgetRecent();
  });
} else {
  forgetRecent(); // nobody is signed in
}
