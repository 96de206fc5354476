// Menus are <details>: closed by Escape, by a click elsewhere and by opening another one.

const open = () => document.querySelectorAll("details.menu[open], details.confirm[open]");

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
