// Numbers and days in the reader's own manner; the server's text stays where Intl cannot help.

const languages = navigator.languages?.length ? navigator.languages : undefined;

/** Write a decimal text such as "1265793.04" with the reader's separators, digit for digit. */
export function formatNumber(text) {
  const digits = text.split(".")[1]?.length ?? 0;
  return new Intl.NumberFormat(languages, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(text);
}

const day = new Intl.DateTimeFormat(languages, { dateStyle: "medium", timeZone: "UTC" });

/** Refine every <data value> and <time data-day> under a node. */
export function localize(root) {
  for (const node of root.querySelectorAll("data[value]")) {
    if (!/^-?\d+(\.\d+)?$/.test(node.value)) continue;
    const text = formatNumber(node.value) + (node.classList.contains("percent") ? "%" : "");
    if (node.textContent !== text) node.textContent = text;
  }
  for (const node of root.querySelectorAll("time[data-day]")) {
    node.textContent = day.format(new Date(`${node.dateTime}T00:00:00Z`));
  }
}

localize(document);
