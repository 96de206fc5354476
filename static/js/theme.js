// Light, dark or as the system, without a reload; the cookie tells the server for the next page.

const YEAR = 365 * 24 * 60 * 60;

for (const form of document.querySelectorAll("[data-theme-switch]")) {
  form.addEventListener("submit", (event) => {
    const theme = event.submitter?.value;
    if (!theme) return;
    event.preventDefault();
    event.stopPropagation();
    const secure = location.protocol === "https:" ? "; secure" : "";
    const age = theme === "system" ? 0 : YEAR;
    document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`;
    if (theme === "system") document.documentElement.removeAttribute("data-bs-theme");
    else document.documentElement.setAttribute("data-bs-theme", theme);
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  });
}
