// Who else is here, and who edits what.

import { text, wording } from "../text.js";

const main = document.querySelector("main");
const me = main.dataset.me;
const editing = new Map(); // the order that somebody opened for editing last, by person
let editors = new Set(); // who is editing at the moment

/** Show who is in a room, as the server says. */
export function showPeople({ room, here }) {
  const others = here.filter(({ id }) => id !== me);
  for (const place of document.querySelectorAll("[data-here]")) {
    if (place.dataset.here !== room) continue;
    place.replaceChildren(...others.map(avatar));
    place.hidden = !others.length;
  }
  const busy = others.filter(({ doing }) => doing === "editing");
  for (const place of document.querySelectorAll("[data-editors]")) {
    if (place.dataset.editors !== room) continue;
    const names = new Intl.ListFormat(wording).format(busy.map(({ name }) => name));
    place.textContent = busy.length ? place.dataset.text.replace("{names}", names) : "";
    place.hidden = !busy.length;
  }
  editors = new Set(busy.map(({ id }) => id));
  markCards();
}

/** Note that somebody opened an order for editing. */
export function noteEditor({ id, by }) {
  editing.set(by.id, { order: id, name: by.name });
  markCards();
}

function avatar({ name, doing }) {
  const person = document.getElementById("here-person").content.firstElementChild.cloneNode(true);
  const words = name.split(/\s+/);
  const letters = words.length > 1 && words[0] < "⺀" ? words[0][0] + words.at(-1)[0] : [...name][0];
  const told = doing === "editing" ? text("{name}, editing", { name }) : name;
  person.querySelector(".avatar").textContent = letters.toUpperCase();
  person.querySelector(".visually-hidden").textContent = told;
  person.title = told;
  person.classList.toggle("is-editing", doing === "editing");
  return person;
}

function markCards() {
  for (const mark of document.querySelectorAll(".board-editor")) mark.remove();
  for (const [person, { order, name }] of editing) {
    const card = editors.has(person) && document.querySelector(`.board-card#order-${order}`);
    if (!card) continue;
    const mark = document.getElementById("board-editor").content.firstElementChild.cloneNode(true);
    mark.querySelector("[data-name]").textContent = name;
    card.append(mark);
  }
}

document.addEventListener("live:shown", markCards);
