// Flashes: a button to dismiss each, and the words said to screen readers.

const stack = document.getElementById("toasts");
const live = document.getElementById("live");

function furnish(note) {
  const close = document.getElementById("toast-close").content.cloneNode(true);
  note.append(close);
  note.lastElementChild.addEventListener("click", () => note.remove());
  note.addEventListener("animationend", () => note.remove());
}

/** Say something now; kind is info, success, warning or error, and errors stay. */
export function toast(text, kind = "info") {
  const note = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  note.classList.add(`toast-${kind}`);
  note.querySelector("use").setAttribute(
    "href", note.querySelector("use").getAttribute("href").replace(/#.*/, `#${kind}`));
  note.querySelector("p").textContent = text;
  furnish(note);
  stack.append(note);
  announce(text);
}

/** Say something to screen readers only. */
export function announce(text) {
  live.textContent = text;
}

/** Return the message of a note without its buttons, which screen readers reach by themselves. */
function said(note) {
  return note.querySelector("p").textContent.trim();
}

/** Show the flashes of another page as those of this one. */
export function adopt(notes) {
  for (const note of notes) {
    const copy = document.importNode(note, true);
    furnish(copy);
    stack.append(copy);
    announce(said(copy));
  }
}

for (const note of stack.querySelectorAll(".toast-note")) {
  furnish(note);
  if (note.getAttribute("role") !== "alert") live.textContent += `${said(note)} `;
}
