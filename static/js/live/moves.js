// Orders and deals are moved on their boards: dragged, by keys, or from the menu of a card; always with the
// form that the card has for that step, so without this the menu does the same.

import { announce, toast } from "../toasts.js";
import { inTurn, read, renew, show } from "./renew.js";

const board = document.querySelector(".board");
const { things, unreachable } = board.dataset;
const MOVE = new RegExp(`/${things}/(\\d+)/move$`);
const columns = [...board.querySelectorAll(".board-column")];

const cardOf = (node) => node?.closest?.(".board-card");
const columnOf = (node) => node?.closest?.(".board-column");
const stateOf = (card) => columnOf(card).dataset.state;
const numberOf = (card) => card.querySelector(".row-link").textContent;
const nameOf = (state) => columns.find((column) => column.dataset.state === state).dataset.label;
const formsOf = (card) => [...card.querySelectorAll("form")];
const formTo = (card, state) => formsOf(card).find((form) => form.elements.to.value === state);

/** Take a card to a column, if there is such a step; steps with a question ask it first. */
function move(card, state) {
  if (state === stateOf(card)) return;
  const form = formTo(card, state);
  if (!form) return toast(board.dataset.refusal.replace("{number}", numberOf(card)), "warning");
  const question = form.closest("details.confirm");
  if (question) question.querySelector("summary").click();
  else form.requestSubmit();
}

const latest = new WeakMap(); // of the steps of a card: an earlier answer does not take it back

function settle(card, form) {
  if (latest.get(card) === form) card.removeAttribute("aria-busy");
}

async function send(card, form) {
  latest.set(card, form);
  const [list, next] = [card.parentElement, card.nextElementSibling];
  const target = columns.find((column) => column.dataset.state === form.elements.to.value);
  for (const menu of card.querySelectorAll("details[open]")) menu.open = false;
  card.setAttribute("aria-busy", "true");
  target.querySelector("[data-rows]").prepend(card);
  try {
    const page = await inTurn(async () => {
      const fresh = await read(await post(form));
      follow(card.id, fresh);
      return fresh;
    });
    settle(card, form);
    show(page);
  } catch (error) {
    settle(card, form);
    list.insertBefore(card, next?.parentElement === list ? next : null);
    toast(error instanceof TypeError ? unreachable : error.message, "error");
    renew();
  }
  card.querySelector(".row-link").focus({ preventScroll: true });
}

/** Let the next step of a card go on from this one, even if the page shows it later. */
function follow(id, page) {
  const version = page.getElementById(id)?.dataset.version;
  if (!version) return;
  for (const form of document.querySelectorAll(`#${id} form, dialog form`)) {
    if (form.elements.version && MOVE.exec(new URL(form.action).pathname)?.[1] === id.split("-")[1]) {
      form.elements.version.value = version;
    }
  }
}

async function post(form) {
  const response = await fetch(form.action, {
    method: "POST",
    keepalive: true, // also if the page is left at once
    body: new URLSearchParams(new FormData(form)),
    headers: {
      Accept: "application/problem+json, text/html;q=0.9",
      "X-CSRFToken": form.elements.csrf_token.value,
    },
  });
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error((await response.json()).detail);
  return response;
}

// Before forms.js, which would think that the page is left. The form of a question was cloned
// into a dialog, so its card is found by the address.
document.addEventListener("submit", (event) => {
  const id = MOVE.exec(new URL(event.target.action).pathname)?.[1];
  const card = id && document.getElementById(`${things.slice(0, -1)}-${id}`);
  if (!card) return;
  event.preventDefault();
  event.stopPropagation();
  event.target.closest("dialog")?.close();
  send(card, event.target);
}, true);

// By pointer: the link of a card is what can be dragged.

let dragged = null;

function mark(card, state) {
  for (const column of columns) {
    const mayCome = card && formTo(card, column.dataset.state);
    column.toggleAttribute("data-open", Boolean(mayCome));
    column.toggleAttribute("data-target", Boolean(card) && column.dataset.state === state);
  }
  board.toggleAttribute("data-moving", Boolean(card));
}

board.addEventListener("dragstart", (event) => {
  const card = cardOf(event.target);
  if (!card || !formsOf(card).length) return;
  dragged = card;
  card.setAttribute("data-held", "");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(card, 20, 20);
  mark(card, stateOf(card));
});

board.addEventListener("dragover", (event) => {
  const column = columnOf(event.target);
  if (!dragged || !column) return;
  event.preventDefault();
  mark(dragged, column.dataset.state);
});

board.addEventListener("drop", (event) => {
  const column = columnOf(event.target);
  if (!dragged || !column) return;
  event.preventDefault();
  const card = dragged;
  release();
  move(card, column.dataset.state);
});

board.addEventListener("dragend", () => dragged && release());

function release() {
  dragged.removeAttribute("data-held");
  dragged = null;
  mark(null);
}

// By keys: Space picks a card up and puts it down, arrows choose, Escape lets it be.

let held = null, choices = [], choice = 0;

function pickUp(card) {
  choices = columns.map((column) => column.dataset.state)
    .filter((state) => state === stateOf(card) || formTo(card, state));
  if (choices.length < 2) return announce(board.dataset.refusal.replace("{number}", numberOf(card)));
  held = card;
  held.setAttribute("data-held", "");
  choose(choices.indexOf(stateOf(card)));
  announce(`${numberOf(card)}: ${board.dataset.pickedUp}`);
}

function choose(index) {
  choice = Math.max(0, Math.min(choices.length - 1, index));
  mark(held, choices[choice]);
  board.querySelector("[data-target] .board-head")
    .scrollIntoView({ block: "nearest", inline: "nearest" });
  announce(nameOf(choices[choice]));
}

function putDown(isMeant) {
  const card = held;
  held.removeAttribute("data-held");
  held = null;
  mark(null);
  if (isMeant && choices[choice] !== stateOf(card)) move(card, choices[choice]);
  else announce(board.dataset.putBack);
}

function holding(key) {
  const steps = { ArrowLeft: -1, ArrowRight: 1 };
  if (key in steps) choose(choice + steps[key]);
  else if (key === " " || key === "Enter") putDown(true);
  else if (key === "Escape" || key === "Tab") putDown(false);
  return key !== "Tab";
}

function walking(key, card) {
  const rows = [...columnOf(card).querySelectorAll(".row-link")];
  const at = rows.indexOf(document.activeElement);
  const filled = columns.filter((column) => column.querySelector(".row-link"));
  const side = { ArrowLeft: -1, ArrowRight: 1 }[key];
  const beside = side && filled[filled.indexOf(columnOf(card)) + side];
  const next = { ArrowUp: rows[at - 1], ArrowDown: rows[at + 1] }[key]
    ?? [...(beside?.querySelectorAll(".row-link") ?? [])].at(Math.min(at, 0));
  if (key === " ") pickUp(card);
  else if (key.startsWith("Arrow")) next?.focus();
  else return false;
  return true;
}

board.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isOnCard = event.target.matches(".board-card .row-link");
  if (held ? holding(event.key) : isOnCard && walking(event.key, cardOf(event.target))) {
    event.preventDefault();
    event.stopPropagation();
  }
});

board.addEventListener("focusout", (event) => {
  if (held && cardOf(event.target) === held) putDown(false);
});
