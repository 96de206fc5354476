// A short talk in a room. What was said is kept for this tab, so that going to another page and
// back does not lose it.

const MOST = 50;
const REACH = 30 * 60_000; // milliseconds that are caught up with: before that it is old
const main = document.querySelector("main");
const panel = document.querySelector("[data-talk]");
const room = panel?.dataset.talk;
const list = panel?.querySelector("ol");
const unread = panel?.querySelector("[data-unread]");
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

const place = `talk ${main.dataset.me} ${room}`;
const kept = room ? read() : null;

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(place)) ?? { at: null, said: [] };
  } catch {
    return { at: null, said: [] };
  }
}

function keep() {
  try {
    sessionStorage.setItem(place, JSON.stringify(kept));
  } catch {
    // full or forbidden: then it is forgotten with the page
  }
}

const when = (id) => Number(id.split("-")[0]);

/** From where on a room is to be heard: from the page on, or from where its talk stopped. */
export function talkSince(other, since) {
  const mayReach = other === room && kept.at && when(since) - when(kept.at) < REACH;
  return mayReach ? kept.at : since;
}

/** Note how far a room was heard. */
export function heardUpTo(other, at) {
  if (other !== room) return;
  kept.at = at;
  keep();
}

/** Show what somebody said. */
export function showSaid({ room: other, id, data }) {
  if (other !== room) return;
  kept.said = [...kept.said, { ...data, at: when(id) }].slice(-MOST);
  heardUpTo(room, id);
  append(kept.said.at(-1));
  if (panel.tagName === "DETAILS" && !panel.open) {
    unread.textContent = String(Number(unread.textContent) + 1);
    unread.hidden = false;
  }
}

function append({ by, text, at }) {
  const item = document.getElementById("talk-item").content.firstElementChild.cloneNode(true);
  item.querySelector("strong").textContent = by.name;
  item.querySelector("time").textContent = clock.format(at);
  item.querySelector("time").dateTime = new Date(at).toISOString();
  item.querySelector("p").textContent = text;
  list.append(item);
  list.scrollTop = list.scrollHeight;
}

/** Let people talk, through `say(room, text)`. */
export function startTalk(say) {
  if (!panel) return;
  panel.hidden = false;
  kept.said.forEach(append);
  const form = panel.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const box = form.elements.text;
    if (box.value.trim() && say(room, box.value.trim())) box.value = "";
  });
  panel.addEventListener("toggle", () => {
    if (!panel.open) return;
    unread.hidden = true;
    unread.textContent = "";
    list.scrollTop = list.scrollHeight;
    form.elements.text.focus();
  });
}
