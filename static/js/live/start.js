// A page says in data-live which rooms it listens to. What happens there brings the page up to
// date; a page with a form in it (data-live-form) is only told.

import { sayConnection } from "../connection.js";
import { toast } from "../toasts.js";
import { noteEditor, showPeople } from "./presence.js";
import { keepFresh, renew } from "./renew.js";
import { sentence } from "./words.js";
import { text } from "../text.js";

const LISTS = new Set(["orders", "tasks", "deals"]); // in which everything is told
const MOST_TOASTS = 4; // at once: the page itself shows what changed
const main = document.querySelector("main");
const { live, liveClient, doing, at, me } = main.dataset;
const { connect } = await import(liveClient);
const told = document.querySelector("[data-live-form]");
const seats = live.split(" ").map((room) => ({ room, doing, since: at }));

let isLeaving = false; // by signing out, which leads to a page of its own
document.addEventListener("submit", ({ target }) => { isLeaving ||= target.matches("[data-sign-out]"); });

/** Whether the page shows something older than what an event tells of. */
function isNews({ name, data }) {
  const shown = document.getElementById(`${name.split(".")[0]}-${data.id}`)?.dataset.version;
  return !(data.version && shown && Number(shown) >= data.version);
}

function changed(message, isReplayed) {
  if (!isNews(message)) return;
  if (told) return message.room === told.dataset.liveForm && tell(message);
  renew();
  if (!isReplayed && concerns(message)) mention(message);
}

/** Whether this person wants to be told: not of what they did, nor of everybody's orders and tasks. */
function concerns({ room, data }) {
  if (data.by?.id === me) return false;
  if (data.action?.startsWith("note ")) return false; // a notification tells whom it concerns
  return !LISTS.has(room) || "tellAll" in main.dataset || String(data.owner?.id) === me;
}

function mention(message) {
  const text = sentence(message);
  const isCrowded = document.querySelectorAll(".toast-note").length >= MOST_TOASTS;
  if (text && !isCrowded) toast(text);
}

function notified(message) {
  toast(sentence(message));
  count(parseInt(document.querySelector("[data-unread]").textContent, 10) + 1);
}

/** Show the number of unread notifications, some of which another tab may have marked as read. */
function count(unread) {
  document.querySelector("[data-unread]").textContent = unread > 99 ? "99+" : unread;
  document.querySelector(".bell .count").hidden = !unread;
  if (seats.length === 1) renew(); // the page of notifications follows nothing else
}

function tell(message) {
  told.querySelector("[data-text]").textContent = sentence(message);
  told.hidden = false;
}

if (document.querySelector(".board")) await import("./moves.js");

if ("WebSocket" in window) connect(seats, {
  event(message, isReplayed) {
    if (message.name === "said") return; // it is a note, which comes with an event of its record
    if (message.name === "order.editing") noteEditor(message.data);
    else if (message.name === "notification") notified(message);
    else if (message.name === "notifications.read") count(message.data.unread);
    else if (message.name === "task.reminder") toast(sentence(message));
    else changed(message, isReplayed);
  },
  subscribed: () => main.toggleAttribute("data-connected", true),
  gap: () => told || renew(),
  presence: showPeople,
  refused: ({ detail }) => toast(detail, "warning"),
  state(word) {
    if (word !== "connected") main.removeAttribute("data-connected");
    if (word === "signed-out" && isLeaving) return;
    if (word === "signed-out" && !told) location.reload(); // to sign in, and back to this page
    else sayConnection(word);
  },
});

if (!told) keepFresh();
document.addEventListener("live:gone", () => toast(text("This is no longer there."), "warning"));
