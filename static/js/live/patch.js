// Makes a part of the page equal to a newer rendering of it, by changing only what differs: what
// has the focus, what is typed and what is under the pointer stay where they are.
//
// data-rows   has an id, and rows that are found again by theirs wherever they stand
// data-keep   belongs to a script: left alone

import { localize, localizeFields } from "../locale.js";

// What scripts and people change on elements, and the server does not.
const THEIRS = new Set(["open", "hidden", "aria-busy", "data-fresh", "data-sent", "data-held", "popover", "style"]);
const FRESH = 3000; // milliseconds of highlight
const IN_USE = "[aria-busy=true], [data-held], :has(details[open])";
const POINTED = matchMedia("(hover: hover)").matches ? `:hover, ${IN_USE}` : IN_USE;

let held; // the lists that stay as they are, because somebody is about to click in them
let isWaiting; // whether something was left for later

/** Change `old` into `fresh`; return whether a part has to wait. */
export function patch(old, fresh) {
  held = new Set([...old.querySelectorAll("[data-rows]")].filter((list) => {
    const next = fresh.querySelector(`#${list.id}`);
    return next && movesWhatIsPointedAt(list, [...next.children]);
  }));
  isWaiting = held.size > 0;
  localizeFields(fresh); // or their values would seem to differ
  const focused = document.activeElement;
  morph(old, fresh);
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  return isWaiting;
}

function morph(old, fresh) {
  if (old.hasAttribute("data-keep")) return;
  if (old.matches("data, time, [data-decimal]")) return changeValue(old, fresh);
  copyAttributes(old, fresh);
  if (fresh.hasAttribute("data-rows")) changeRows(old, fresh);
  else changeChildren(old, fresh);
}

/** Numbers and times are written by scripts, so their value tells whether they changed. */
function changeValue(old, fresh) {
  const name = ["value", "datetime", "data-decimal"].find((each) => fresh.hasAttribute(each));
  if (old.getAttribute(name) === fresh.getAttribute(name)) return;
  const isNumber = old.matches("data");
  const next = made(fresh);
  old.replaceWith(next);
  if (isNumber) highlight(next);
}

function copyAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !THEIRS.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!THEIRS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

const matters = (node) => node.nodeType === Node.ELEMENT_NODE
  ? !node.hasAttribute("data-keep")
  : node.nodeType === Node.TEXT_NODE && node.data.trim();

/** Pair what is alike in its order; what is between goes, what has no pair comes. */
function changeChildren(old, fresh) {
  let mine = [...old.childNodes].filter(matters);
  for (const node of [...fresh.childNodes].filter(matters)) {
    const at = mine.findIndex((each) => areAlike(each, node));
    if (at < 0) {
      const added = made(node);
      old.insertBefore(added, mine[0] ?? null);
      highlight(node.nodeType === Node.ELEMENT_NODE ? added : old);
      continue;
    }
    for (const gone of mine.slice(0, at)) gone.remove();
    const present = mine[at];
    mine = mine.slice(at + 1);
    if (node.nodeType === Node.ELEMENT_NODE) {
      morph(present, node);
    } else if (present.data.trim() !== node.data.trim()) {
      present.data = node.data;
      highlight(old);
    }
  }
  for (const gone of mine) gone.remove();
}

function areAlike(one, other) {
  return one.nodeName === other.nodeName
    && one.id === other.id
    && one.classList?.[0] === other.classList?.[0];
}

function changeRows(old, fresh) {
  const rows = [...fresh.children];
  if (held.has(old)) return;
  let at = old.firstElementChild;
  for (const row of rows) {
    const present = document.getElementById(row.id);
    if (present && held.has(present.parentElement)) continue;
    if (!present) {
      highlight(old.insertBefore(made(row), at));
      continue;
    }
    if (present === at) at = at.nextElementSibling;
    else old.insertBefore(present, at);
    changeRow(present, row);
  }
  for (const row of [...old.children]) {
    const isElsewhere = row.id && fresh.ownerDocument.getElementById(row.id);
    if (!isElsewhere && !row.hasAttribute("data-keep")) row.remove();
  }
}

function changeRow(present, row) {
  if (present.matches(":has(details[open])")) {
    isWaiting = true; // somebody is choosing from its menu
    return;
  }
  const isNews = present.dataset.version !== row.dataset.version;
  morph(present, row);
  if (isNews) highlight(present);
}

const isPointedAt = (row) => row.matches(POINTED);

/** Whether the row under the pointer would change its place. */
function movesWhatIsPointedAt(old, rows) {
  const present = [...old.children].map((row) => row.id);
  const index = [...old.children].findIndex(isPointedAt);
  return index >= 0 && present.slice(0, index + 1).some((id, at) => rows[at]?.id !== id);
}

/** A node of the newer page, made part of this one. */
function made(node) {
  const copy = document.importNode(node, true);
  if (copy.nodeType === Node.ELEMENT_NODE) {
    const wrapped = document.createDocumentFragment();
    wrapped.append(copy);
    localize(wrapped);
  }
  return copy;
}

function highlight(element) {
  const place = element.closest("[data-version]") ?? element;
  place.setAttribute("data-fresh", "");
  setTimeout(() => place.removeAttribute("data-fresh"), FRESH);
}
