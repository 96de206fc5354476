// A page about work under way renews what it says, and itself once the work has ended.

const place = document.querySelector("[data-under-way]");
const EVERY = 700; // milliseconds

async function renew() {
  try {
    const response = await fetch(location.href);
    if (!response.ok || response.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const news = page.querySelector("[data-under-way]");
    if (!news) return location.reload();
    place.replaceChildren(...news.children);
  } catch {
    // offline for a moment: the next time will tell
  }
  setTimeout(renew, EVERY);
}

if (place) setTimeout(renew, EVERY);
