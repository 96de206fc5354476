// The order's editor: suggestions while somebody types, lines without reload, live totals.
// Amounts are whole numbers of millionths in BigInt, so they equal the server's to the last digit.

import { fieldNumber, formatNumber, priceText } from "./locale.js";
import { known, priceAndStock, suggestSoon } from "./suggest.js";
import { text } from "./text.js";

const form = document.getElementById("order-form");
const lines = document.getElementById("lines");
const currency = form.elements.currency;

/** Return a decimal text as a whole number of 10^-places, or null if it is none. */
export function scaled(text, places) {
  const typed = text.trim();
  if (/^[1-9]\d{0,2}[.,]\d{3}$/.test(typed)) return null; // two meanings: the server asks
  const match = /^(\d{1,15})(?:[.,](\d*))?$/.exec(typed.replace(/^[.,]/, "0."));
  if (!match || (match[2] ?? "").replace(/0+$/, "").length > places) return null;
  return BigInt(match[1] + (match[2] ?? "").slice(0, places).padEnd(places, "0"));
}

/** Return quantity x price x (1 - discount) in millionths, or null if one of them is missing. */
export function amount(quantity, price, percent) {
  const [q, p, d] = [scaled(quantity, 0), scaled(price, 3), scaled(percent || "0", 1)];
  if (q === null || p === null || d === null || d > 1000n) return null;
  return q * p * (1000n - d);
}

/** Return millionths as a decimal text, rounded half to even. */
export function rounded(millionths, digits) {
  const step = 10n ** BigInt(6 - digits);
  let whole = millionths / step;
  const rest = (millionths % step) * 2n;
  if (rest > step || (rest === step && whole % 2n === 1n)) whole += 1n;
  const text = String(whole).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

function minorDigits(code) {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency: code })
      .resolvedOptions().maximumFractionDigits;
  } catch {
    return 2;
  }
}

function show(output, millionths) {
  output.replaceChildren();
  if (millionths === null) return;
  const code = currency.value.trim().toUpperCase();
  const unit = document.createElement("small");
  unit.textContent = code;
  output.append(`${formatNumber(rounded(millionths, minorDigits(code)))} `, unit);
}

const input = (row, name) => row.querySelector(`[name$="-${name}"]`);

/** Return how many there are of the good of a line, or undefined if the page does not know. */
function stockOf(row) {
  const good = input(row, "good").value;
  const text = known.get(good)?.stock ?? (good === row.dataset.good ? row.dataset.stock : undefined);
  return text === undefined ? undefined : BigInt(text);
}

/** Mark the lines of goods of which all lines together want more than there is. */
function warn() {
  const wanted = new Map();
  const rows = [...lines.querySelectorAll("[data-line]")].filter((row) => stockOf(row) !== undefined);
  for (const row of rows) {
    const good = input(row, "good").value;
    wanted.set(good, (wanted.get(good) ?? 0n) + (scaled(input(row, "quantity").value, 0) ?? 0n));
  }
  for (const row of lines.querySelectorAll("[data-line]")) {
    const place = row.querySelector("[data-short]");
    const stock = stockOf(row);
    place.hidden = stock === undefined || wanted.get(input(row, "good").value) <= stock;
    if (!place.hidden) place.textContent = text("Only {number} in stock", { number: formatNumber(String(stock)) });
  }
}

function total() {
  let net = 0n;
  for (const row of lines.querySelectorAll("[data-line]")) {
    const parts = ["quantity", "price", "discount"].map((name) => input(row, name).value);
    const value = amount(...parts);
    show(row.querySelector("[data-amount]"), value);
    net += value ?? 0n;
  }
  show(document.getElementById("net"), net);
  warn();
}

/** Show the picture, the price and the stock of the good of a line. */
function hint(row) {
  const good = input(row, "good").value;
  const item = known.get(good);
  if (!item && good === row.dataset.good) return; // the server's words
  const place = row.querySelector("[data-hint]");
  place.replaceChildren();
  if (!item) return;
  const words = document.createElement("span");
  words.textContent = priceAndStock(item);
  if (item.picture) {
    const picture = Object.assign(document.createElement("img"), { className: "thumb", src: item.picture, width: 32, height: 32, alt: "" });
    place.append(picture);
  }
  place.append(words);
  delete row.dataset.good; // its words are gone
}

/** A chosen good brings its price along. */
function chosen(field) {
  const item = known.get(field.value);
  const row = field.closest("[data-line]");
  if (!row) return;
  const [quantity, price] = [input(row, "quantity"), input(row, "price")];
  if (!quantity.value) quantity.value = "1";
  if (item.currency === currency.value.trim().toUpperCase() && (!price.value || price.dataset.filled)) {
    price.value = fieldNumber(priceText(item.price));
    price.dataset.filled = "yes";
  }
}

let next = 0;

function addLine() {
  next = Math.max(next, lines.querySelectorAll("[data-line]").length) + 1;
  const blank = document.getElementById("blank-line").innerHTML.replaceAll("__index__", String(next + 500));
  lines.tBodies[0].insertAdjacentHTML("beforeend", blank);
  input(lines.tBodies[0].lastElementChild, "good").focus();
}

if (lines) {
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add-line], [data-remove-line]");
    if (!button) return;
    event.preventDefault();
    if (button.matches("[data-add-line]")) addLine();
    else button.closest("[data-line]").remove();
    total();
  });
  total();
}

form.addEventListener("input", (event) => {
  if (lines?.contains(event.target) && event.target.list) {
    if (known.has(event.target.value)) chosen(event.target);
    hint(event.target.closest("[data-line]"));
    suggestSoon(event.target, lines.dataset.suggest);
  }
  if (event.target.name?.endsWith("-price")) delete event.target.dataset.filled;
  if (lines) total();
});

/** A chosen account brings its contacts along; the chosen contact stays if it is one of them. */
const contacts = form.querySelector("[data-contacts]");
let asked = 0;

async function offerContacts(words) {
  const turn = ++asked;
  let people;
  try {
    const answer = await fetch(`${contacts.dataset.contacts}?${new URLSearchParams({ account: words })}`);
    if (!answer.ok) return;
    people = await answer.json();
  } catch {
    return; // without a connection the old ones stay, and the server checks the choice
  }
  if (turn !== asked) return; // another account was chosen meanwhile
  const chosen = contacts.value;
  contacts.replaceChildren(contacts.options[0], ...people.map(({ id, name }) => new Option(name, id)));
  contacts.value = people.some(({ id }) => String(id) === chosen) ? chosen : "";
}

if (contacts) form.elements.account.addEventListener("change", () => offerContacts(form.elements.account.value));
