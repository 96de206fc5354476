// Following a notification to its record marks it as read, as its button does.

document.addEventListener("click", ({ target }) => {
  const link = target.closest?.("a[data-reads]");
  const token = link?.closest("li").querySelector("input[name=csrf_token]")?.value;
  if (!token || !link.dataset.reads) return;
  fetch(link.dataset.reads, { method: "POST", keepalive: true, redirect: "manual", headers: { "X-CSRFToken": token } })
    .catch(() => {}); // it stays unread
});
