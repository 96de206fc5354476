// Forms: filters apply at once, changes are not lost by accident, nothing is sent twice.

const isNarrow = matchMedia("(max-width: 767.98px)");

// Where CSS cannot show what is folded, the filters of a wide page are unfolded here.
if (!CSS.supports("selector(::details-content)") && !isNarrow.matches) {
  for (const filters of document.querySelectorAll("details.filters")) filters.open = true;
}

for (const form of document.querySelectorAll("form[data-auto-submit]")) {
  form.addEventListener("change", (event) => {
    // On a phone the filters of a list are folded, and chosen together.
    if (isNarrow.matches && form.querySelector("details.filters")) return;
    if (event.target.matches("select:not(.more-filters-in *)")) form.requestSubmit();
  });
  // Empty filters, and columns that are the usual ones, would only make the address long.
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
    const columns = [...form.querySelectorAll("[name=columns][type=checkbox]")];
    const isUsual = columns.every((box) => box.checked === ("usual" in box.dataset));
    if (isUsual) event.formData.delete("columns");
  });
}

// The panel of filters has two entries for any custom field: they fit the one that is chosen.
for (const part of document.querySelectorAll("[data-field-filter]")) {
  const choice = part.querySelector("select");
  const fit = () => {
    const type = choice.selectedOptions[0]?.dataset.type ?? "";
    for (const input of part.querySelectorAll("label input")) {
      // A date field would empty a text that is no date, and the reader could not correct it.
      const isDate = type === "date" && !input.matches("[aria-invalid]");
      input.type = isDate ? "date" : "text";
      input.inputMode = type === "number" ? "decimal" : "";
    }
    return type;
  };
  fit();
  choice.addEventListener("change", () => {
    const hadField = !["", "any"].includes(part.dataset.fieldFilter);
    for (const input of part.querySelectorAll("label input")) if (hadField) input.value = "";
    part.dataset.fieldFilter = fit();
  });
}

const snapshot = (form) => JSON.stringify([...new FormData(form)].map(([k, v]) => [k, v.name ?? v]));

for (const form of document.querySelectorAll("form[data-guard]")) {
  const before = form.querySelector("[aria-invalid]") ? null : snapshot(form);
  let sending = false;
  form.addEventListener("submit", () => { sending = true; });
  window.addEventListener("beforeunload", (event) => {
    if (!sending && snapshot(form) !== before) event.preventDefault();
  });
  window.addEventListener("pageshow", () => { sending = false; });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
});

// Back from the next page: the forms may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
