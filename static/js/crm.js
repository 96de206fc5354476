// The pages' behaviour. Everything works without it; each module makes one thing nicer.

import "./locale.js";
import "./toasts.js";
import "./menus.js";
import "./buttons.js";
import "./dialogs.js";
import "./palette.js";
import "./keyboard.js";
import "./forms.js";
import "./theme.js";
import "./connection.js";
import "./progress.js";
import "./bulk.js";

// Only some pages need these.
if (document.querySelector("[data-mentions]")) import("./mentions.js");
if (document.querySelector(".list-frame")) import("./wide-lists.js");
if (document.querySelector("[data-reads]")) import("./notifications.js");

// Only pages that change while they are looked at need the rest.
if (document.querySelector("main[data-live]")) {
  import("./live/start.js").catch(() => {
    window.recoverPage?.(new URL("./live/start.js", import.meta.url));
  });
}
