// Typing @ in a text field with data-mentions offers colleagues. Without it, a name is typed whole.

import { text } from "./text.js";
import { announce } from "./toasts.js";

const PAUSE = 150; // milliseconds without a key before the server is asked
const SIGN = /(?:^|[^\w@.])@([^@\n]{0,60})$/; // what is typed behind the last @

let field, list, asked, waiting, chosen = -1;

document.addEventListener("input", ({ target }) => {
  if (!target.dataset?.mentions) return;
  clearTimeout(waiting);
  const typed = behindSign(target);
  if (typed === null) return close();
  waiting = setTimeout(() => offer(target, typed).catch(() => {}), PAUSE);
});

document.addEventListener("keydown", (event) => {
  if (!list || event.target !== field) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose((chosen + step + list.children.length) % list.children.length);
  else if (event.key === "Enter" || event.key === "Tab") take(list.children[chosen].textContent);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("focusout", ({ target }) => {
  if (target === field) close();
});

function behindSign(area) {
  if (area.selectionStart !== area.selectionEnd) return null;
  return SIGN.exec(area.value.slice(0, area.selectionStart))?.[1] ?? null;
}

async function offer(area, typed) {
  asked?.abort();
  asked = new AbortController();
  const url = `${area.dataset.mentions}?q=${encodeURIComponent(typed)}`;
  const response = await fetch(url, { signal: asked.signal });
  const names = response.ok ? await response.json() : [];
  if (document.activeElement !== area || behindSign(area) !== typed) return;
  if (names.length) open(area, names);
  else close();
}

function open(area, names) {
  close();
  field = area;
  list = document.createElement("ul");
  list.className = "mentions";
  list.id = `${area.id}-mentions`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", text("Colleagues"));
  names.forEach((name, number) => {
    const option = document.createElement("li");
    option.id = `${list.id}-${number}`;
    option.setAttribute("role", "option");
    option.textContent = name;
    option.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays
    option.addEventListener("click", () => take(name));
    list.append(option);
  });
  area.insertAdjacentElement("afterend", list);
  area.setAttribute("aria-controls", list.id);
  area.setAttribute("aria-autocomplete", "list");
  choose(0);
}

function choose(number) {
  chosen = number;
  [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
  field.setAttribute("aria-activedescendant", list.children[chosen].id);
  list.children[chosen].scrollIntoView({ block: "nearest" });
  announce(list.children[chosen].textContent);
}

function take(name) {
  const area = field;
  const end = area.selectionStart;
  const start = end - behindSign(area).length;
  close();
  area.setRangeText(`${name} `, start, end, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  clearTimeout(waiting); // otherwise the list opens again and covers the button
}

function close() {
  clearTimeout(waiting);
  asked?.abort();
  list?.remove();
  for (const name of ["aria-controls", "aria-autocomplete", "aria-activedescendant"]) field?.removeAttribute(name);
  field = list = undefined;
}
