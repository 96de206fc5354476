// Asks for this page anew when something changed, and shows what is different. So what is seen
// always follows the reader's own rights, filters and order, which only the server knows.

import { adopt } from "../toasts.js";
import { patch } from "./patch.js";

const PAUSE = 1000; // milliseconds from one time to the next, at least
const EASE = 4; // and this many times what the last one took: a busy server is asked less
const SPREAD = 150; // so that not everybody asks in the same moment
const STALE = 30 * 60_000; // milliseconds: the forms of a page do not hold for ever
const CHECK_AGAIN_AFTER = 300; // whether the pointer has gone

const main = document.querySelector("main");
let turn = Promise.resolve();
let isAsked = false, notBefore = 0, shownAt = Date.now(), soon, waiting;

/** Do one thing after the other, so that an older answer never comes after a newer one. */
export function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => {});
  return done;
}

/** Bring the page up to date soon; however often this is called, once. */
export function renew() {
  if (isAsked) return;
  isAsked = true;
  if (document.hidden) return; // nobody looks: when somebody does
  soon = setTimeout(start, Math.max(0, notBefore - performance.now()) + Math.random() * SPREAD);
}

/** Bring the page up to date when somebody comes back to it. */
export function keepFresh() {
  const look = () => {
    if (!document.hidden && (isAsked || Date.now() - shownAt > STALE)) start();
  };
  document.addEventListener("visibilitychange", look);
  window.addEventListener("focus", look);
}

function start() {
  clearTimeout(soon);
  isAsked = false;
  inTurn(ask).catch(() => { notBefore = performance.now() + EASE * PAUSE; renew(); });
}

async function ask() {
  const began = performance.now();
  const response = await fetch(main.dataset.page, { headers: { "X-Renew": "1" } });
  if (response.redirected) return location.reload(); // to sign in
  if (response.status >= 500) throw new Error("Not available");
  if (response.ok) show(await read(response));
  else document.dispatchEvent(new CustomEvent("live:gone"));
  notBefore = performance.now() + Math.max(PAUSE, EASE * (performance.now() - began));
}

/** Return the page that the server has sent. */
export async function read(response) {
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Show a newer rendering of this page. */
export function show(page) {
  document.title = page.title;
  shownAt = Date.now();
  adopt(page.querySelectorAll("#toasts .toast-note"));
  apply(page.querySelector("main"));
}

function apply(fresh) {
  clearTimeout(waiting);
  const mustWait = patch(main.querySelector(".page-in"), fresh.querySelector(".page-in"));
  main.toggleAttribute("data-waiting", mustWait);
  if (mustWait) waiting = setTimeout(() => apply(fresh), CHECK_AGAIN_AFTER);
  document.dispatchEvent(new CustomEvent("live:shown"));
}
