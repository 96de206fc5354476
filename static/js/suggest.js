// Suggestions for a text field with a <datalist>, while somebody types.

import { formatNumber, priceText } from "./locale.js";
import { text } from "./text.js";

const PAUSE = 150; // milliseconds without a key before the server is asked

/** What the server suggested so far, by label. */
export const known = new Map();

let asked, waiting;

async function suggest(field, url) {
  asked?.abort();
  asked = new AbortController();
  const response = await fetch(`${url}?q=${encodeURIComponent(field.value)}`, { signal: asked.signal });
  if (!response.ok) return;
  const found = await response.json();
  field.list.replaceChildren(...found.map((item) => {
    known.set(item.label, item);
    const option = document.createElement("option");
    option.value = item.label;
    if (item.price) option.label = priceAndStock(item);
    if (item.accounts) option.label = item.accounts;
    return option;
  }));
}

/** Return the price and the stock of a good as words. */
export function priceAndStock({ price, currency, stock }) {
  return text("{price} {currency}, {number} in stock", { price: formatNumber(priceText(price)), currency, number: formatNumber(String(stock)) });
}

/** Ask for suggestions soon, unless the field holds one of them. */
export function suggestSoon(field, url) {
  clearTimeout(waiting);
  if (known.has(field.value)) return;
  waiting = setTimeout(() => suggest(field, url).catch(() => {}), PAUSE);
}

document.addEventListener("input", ({ target }) => {
  if (target.list && target.dataset.suggest) suggestSoon(target, target.dataset.suggest);
});
