// Questions and help in <dialog>, which traps the focus and gives it back by itself.

// A click on the backdrop lands on the dialog itself.
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

const ask = document.getElementById("ask");

function question(details) {
  const body = ask.querySelector("[data-body]");
  const form = details.querySelector("form").cloneNode(true);
  // The form behind the dialog keeps its ids: a label must not lead to the field there.
  for (const part of form.querySelectorAll("[id]")) part.id += "-asked";
  for (const label of form.querySelectorAll("label[for]")) label.htmlFor += "-asked";
  const dismiss = form.querySelector("[data-dismiss]");
  dismiss.hidden = false;
  dismiss.addEventListener("click", () => ask.close());
  document.getElementById("ask-title").textContent = details.querySelector("summary").textContent.trim();
  body.replaceChildren(form);
  // A menu closes behind the question, so the focus goes back to what opens the menu.
  const opener = details.closest("details.menu") ?? details;
  ask.addEventListener("close", () => opener.querySelector("summary").focus(), { once: true });
  ask.showModal();
  (form.querySelector("input:not([type=hidden])") ?? dismiss).focus();
}

document.addEventListener("click", (event) => {
  const summary = event.target.closest?.("details.confirm > summary");
  if (!summary || !ask) return;
  event.preventDefault();
  question(summary.parentElement);
  summary.closest("details.menu")?.removeAttribute("open");
});
