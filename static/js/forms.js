// Forms: filters apply at once, changes are not lost by accident, nothing is sent twice.

for (const form of document.querySelectorAll("form[data-auto-submit]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) form.requestSubmit();
  });
  // Empty filters, and columns that are the usual ones, would only make the address long.
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
    const columns = [...form.querySelectorAll("[name=columns][type=checkbox]")];
    const isUsual = columns.every((box) => box.checked === ("usual" in box.dataset));
    if (isUsual) event.formData.delete("columns");
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
