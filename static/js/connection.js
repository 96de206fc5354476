// One quiet place says that the connection is gone, and that it is back.

import { text } from "./text.js";

const OFFLINE = text("Offline. Changes cannot be saved.");
const CONNECTED = text("Connected again.");
const WORDS = {
  lost: text("Connection lost. Trying again."),
  "signed-out": text("You are signed out. Sign in again to go on."),
  "not-allowed": text("Changes of others are not shown to you here."),
};
const PATIENCE = 1500; // milliseconds: a restart that is hardly noticed need not be told
const place = document.getElementById("connection");
let later;

function say(text, wait = 0) {
  clearTimeout(later);
  later = setTimeout(() => {
    if (!place) return;
    place.textContent = text;
    place.hidden = !text;
  }, wait);
}

function back() {
  if (!place || place.hidden) return say("");
  say(CONNECTED);
  setTimeout(() => { if (place.textContent === CONNECTED) say(""); }, 5000);
}

/** Say how the live connection is: connected, lost, signed-out or not-allowed. */
export function sayConnection(state) {
  if (state === "connected") back();
  else if (navigator.onLine) say(WORDS[state], state === "lost" ? PATIENCE : 0);
}

window.addEventListener("offline", () => say(OFFLINE));
window.addEventListener("online", () => {
  if (!document.querySelector("[data-live]")) back(); // else when the live connection is back
});
if (!navigator.onLine) say(OFFLINE);
