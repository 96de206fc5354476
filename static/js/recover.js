// Reloads a page of which a script could not be loaded, as soon as the server can be reached.
//
// Browsers do not load a module again after a failure, and without it buttons, menus or live
// changes would be missing without a word. Not a module itself: it has to run before them.
(() => {
  const RETRY = 2000; // milliseconds between two attempts to reach the server
  const ONCE_IN = 30_000; // milliseconds: no reload soon after another one
  let isRecovering = false;

  // As text.js, which may be the script that is missing.
  const texts = JSON.parse(document.getElementById("texts")?.dataset.texts ?? "{}");
  const text = (english) => texts[english] ?? english;

  function say(words) {
    const place = document.getElementById("connection");
    if (!place) return;
    place.textContent = words;
    place.hidden = false;
  }

  const isTyping = () =>
    [...document.querySelectorAll("main form")].some((form) =>
      [...form.elements].some((field) => field.value !== (field.defaultValue ?? field.value)));

  async function untilReachable(script) {
    for (;;) {
      const response = await fetch(script, { cache: "no-store" }).catch(() => null);
      if (response?.ok) return;
      await new Promise((resolve) => {
        window.addEventListener("online", resolve, { once: true });
        setTimeout(resolve, RETRY);
      });
    }
  }

  /**
   * Reload the page when a script can be loaded.
   *
   * Entries are never thrown away: a page with unsaved ones stays, and says that a part is missing.
   */
  async function recover(script) {
    if (isRecovering) return;
    isRecovering = true;
    say(text(navigator.onLine ? "Connection lost. Trying again." : "Offline. Changes cannot be saved."));
    await untilReachable(script);
    const last = Number(sessionStorage.getItem("recovered"));
    if (isTyping() || Date.now() - last < ONCE_IN) {
      say(text("Connected again, but a part of this page is missing. Reload the page."));
      return;
    }
    sessionStorage.setItem("recovered", String(Date.now()));
    location.reload();
  }

  // An error of loading does not bubble. For a module, it covers all that the module imports.
  window.addEventListener("error", ({ target }) => {
    if (target instanceof HTMLScriptElement) recover(target.src);
  }, true);
  window.recoverPage = recover; // for import(), of which no element tells
})();
