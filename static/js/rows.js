// Lists of rows in a form: one more row without reload, and accounts suggested while one types.

let next = 500; // above every row of the server, which numbers them anew

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-row]");
  if (!button) return;
  const list = button.closest("[data-rows]");
  const blank = list.querySelector("template").innerHTML.replaceAll("__index__", String(next++));
  button.insertAdjacentHTML("beforebegin", blank);
  button.previousElementSibling.querySelector("input:not([type=checkbox])").focus();
});

for (const button of document.querySelectorAll("[data-add-row]")) button.hidden = false;

let waiting, asked;

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.dataset?.suggest) return;
  if ([...field.list.options].some((option) => option.value === field.value)) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => suggest(field).catch(() => {}), 150);
});

async function suggest(field) {
  asked?.abort();
  asked = new AbortController();
  const url = `${field.dataset.suggest}?q=${encodeURIComponent(field.value)}`;
  const response = await fetch(url, { signal: asked.signal });
  if (!response.ok) return;
  const found = await response.json();
  field.list.replaceChildren(...found.map((item) => new Option(item.label, item.label)));
}
