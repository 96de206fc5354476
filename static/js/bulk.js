// Rows selected together: all of a page by one box, a range with Shift, and how many are selected.

import { text } from "./text.js";

const bar = document.querySelector("form[data-bulk]");
const boxes = () => [...document.querySelectorAll("input.pick")];

function tell() {
  const all = boxes(), count = all.filter((box) => box.checked).length;
  const every = bar.querySelector("[data-pick-all]");
  every.checked = count > 0 && count === all.length;
  every.indeterminate = count > 0 && count < all.length;
  bar.querySelector("[data-count]").textContent = count ? text("{count} selected", { count }) : "";
  bar.classList.toggle("has-selection", count > 0);
  if (count && bar.elements.which.value === "page") bar.elements.which.value = "selected";
}

let last; // the box that was changed before

/** Give the rows from the last changed one to this one the same state. */
function extend(box) {
  const all = boxes(), ends = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (ends[0] >= 0) for (const each of all.slice(ends[0], ends[1] + 1)) each.checked = box.checked;
}

if (bar) {
  bar.querySelector(".bulk-all").hidden = false;
  bar.querySelector("[data-pick-all]").addEventListener("change", ({ target }) => {
    for (const box of boxes()) box.checked = target.checked;
    tell();
  });
  document.addEventListener("click", ({ target, shiftKey }) => {
    if (!target.matches("input.pick")) return;
    if (shiftKey) extend(target);
    last = target;
  });
  document.addEventListener("change", ({ target }) => { if (target.matches("input.pick")) tell(); });
  tell();
}
