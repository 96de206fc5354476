// Warns while somebody types if a record like the one in the form exists.

const PAUSE = 350; // milliseconds without a key before the server is asked
const NAMES = ["name", "email", "phone", "website", "number"];

const form = document.querySelector("form[data-similar]");
const panel = form?.querySelector("[data-similar-panel]");
let asked, waiting;

function show(found) {
  panel.hidden = !found.length;
  panel.querySelector("ul").replaceChildren(...found.map(({ name, words, url }) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const reasons = document.createElement("span");
    link.href = url;
    link.target = "_blank"; // what was typed stays
    link.rel = "noopener";
    link.textContent = name;
    reasons.className = "soft";
    reasons.textContent = words.join(", ");
    item.append(link, " ", reasons);
    return item;
  }));
  if (!found.length) {
    form.querySelector("[name=anyway]")?.remove();
  } else if (!form.querySelector("[name=anyway]")) {
    const seen = document.createElement("input");
    seen.type = "hidden";
    seen.name = "anyway";
    seen.value = "1";
    panel.append(seen);
  }
}

async function ask() {
  asked?.abort();
  asked = new AbortController();
  const url = new URL(form.dataset.similar, location.href);
  for (const [name, value] of new FormData(form)) {
    const last = name.split("-").at(-1); // phones-0-number
    if (NAMES.includes(last) && typeof value === "string" && value.trim()) {
      url.searchParams.append(last, value.trim());
    }
  }
  const response = await fetch(url, { headers: { Accept: "application/json" }, signal: asked.signal });
  if (response.ok) show(await response.json());
}

function changed({ target }) {
  if (!NAMES.includes(target.name?.split("-").at(-1))) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => ask().catch(() => {}), PAUSE);
}

form?.addEventListener("input", changed);
// Somebody may type before this script is there.
for (const target of form?.elements ?? []) {
  if (target.defaultValue !== undefined && target.value !== target.defaultValue) changed({ target });
}
