// Texts of scripts in the language of the page, which brings those that are not English.

const texts = JSON.parse(document.getElementById("texts")?.dataset.texts ?? "{}");

/** Return a text in the language of the page with its values: text("Hello {name}", { name }). */
export function text(english, values = {}) {
  const found = texts[english] ?? english;
  return found.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const page = document.documentElement.lang || "en";
const alike = (navigator.languages ?? []).filter((each) => each.split("-")[0] === page.split("-")[0]);

/** The locales for words in dates and lists: the browser's own ones of the page's language. */
export const wording = alike.length ? alike : [page];
