// Following a notification to its record marks it as read first, as its button does, so that the
// next page counts it no more.

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-reads]");
  const token = link?.closest("li").querySelector("input[name=csrf_token]")?.value;
  if (!token || !link.dataset.reads) return;
  const stays = event.button || event.ctrlKey || event.metaKey || event.shiftKey; // another tab opens
  if (!stays) event.preventDefault();
  try {
    await fetch(link.dataset.reads, { method: "POST", keepalive: true, redirect: "manual", headers: { "X-CSRFToken": token } });
  } catch {
    // it stays unread
  }
  if (!stays) location.assign(link.href);
});
