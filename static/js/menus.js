// Menus are <details>: closed by Escape, by a click elsewhere and by opening another one.

const open = () => document.querySelectorAll("details.menu[open], details.confirm[open]");

const MARGIN = 8; // pixels between a menu and the edge of the window

// An open menu is drawn in the browser's top layer, above everything, and kept inside the window.
document.addEventListener("toggle", ({ target: menu }) => {
  if (!menu.matches?.("details.menu")) return;
  const layer = menu.querySelector(":scope > div");
  if (!layer?.showPopover) return;
  if (menu.open) {
    layer.popover = "manual";
    layer.showPopover();
    place(menu);
  } else if (layer.matches(":popover-open")) {
    layer.hidePopover();
  }
}, true);

function place(menu) {
  const layer = menu.querySelector(":scope > div");
  const button = menu.querySelector("summary").getBoundingClientRect();
  const width = document.documentElement.clientWidth;
  const isStart = (button.left + button.right) / 2 < layer.offsetWidth && button.left < width / 2;
  const x = isStart ? button.left : button.right - layer.offsetWidth;
  const below = button.bottom + 4;
  const fits = below + layer.offsetHeight + MARGIN <= innerHeight;
  const y = fits ? below : button.top - 4 - layer.offsetHeight;
  const within = (value, size, room) => Math.max(MARGIN, Math.min(value, room - size - MARGIN));
  layer.style.left = `${within(x, layer.offsetWidth, width)}px`;
  layer.style.top = `${within(y, layer.offsetHeight, innerHeight)}px`;
}

const placeAll = () => {
  for (const menu of document.querySelectorAll("details.menu[open]:has(> div:popover-open)")) place(menu);
};
window.addEventListener("resize", placeAll);
document.addEventListener("scroll", placeAll, { capture: true, passive: true });

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
  }
});

// Arrow keys walk through an open menu.
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu || !step) return;
  const items = [...menu.querySelectorAll(".menu-item:not([hidden])")];
  if (!items.length) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length].focus();
});
