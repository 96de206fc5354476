// Numbers and days in the reader's own manner; the server's text stays where Intl cannot help.

import { wording } from "./text.js";

const languages = navigator.languages?.length ? navigator.languages : undefined;

// The server reads a comma and a point. Readers with another separator keep the point.
const parts = new Intl.NumberFormat(languages).formatToParts(1.5);
const separator = parts.find(({ type }) => type === "decimal")?.value === "," ? "," : ".";

/** Write a decimal text such as "1265793.04" with the reader's separators, digit for digit. */
export function formatNumber(text) {
  const digits = text.split(".")[1]?.length ?? 0;
  return new Intl.NumberFormat(languages, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(text);
}

/** Write a decimal text for a field: as the reader would type it, with one meaning only. */
export function fieldNumber(text) {
  const clear = /^-?[1-9]\d{0,2}\.\d{3}$/.test(text) ? `${text}0` : text;
  return clear.replace(".", separator);
}

/** Write a price such as "502.5" as people do, "502.50"; whole ones stay whole. */
export function priceText(text) {
  return /^\d+\.\d$/.test(text) ? `${text}0` : text;
}

const day = new Intl.DateTimeFormat(wording, { dateStyle: "medium", timeZone: "UTC" });

/** Refine the numbers and days under a node, in text and in fields. */
export function localize(root) {
  for (const node of root.querySelectorAll("data[value]")) {
    if (!/^-?\d+(\.\d+)?$/.test(node.value)) continue;
    const text = formatNumber(node.value) + (node.classList.contains("percent") ? "%" : "");
    if (node.textContent !== text) node.textContent = text;
  }
  for (const node of root.querySelectorAll("[data-decimal]")) {
    node.textContent = node.dataset.decimal.replace(".", separator);
  }
  for (const node of root.querySelectorAll("time[data-day]")) {
    node.textContent = day.format(new Date(`${node.dateTime}T00:00:00Z`));
  }
  localizeFields(root);
}

/** Refine the numbers in fields; what was typed into one stays as it is. */
export function localizeFields(root) {
  for (const field of root.querySelectorAll("input[data-number]")) {
    field.defaultValue = fieldNumber(field.dataset.number);
  }
}

localize(document);
