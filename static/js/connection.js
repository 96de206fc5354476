// One quiet place says that the connection is gone, and that it is back.

const place = document.getElementById("connection");

function say(text) {
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

window.addEventListener("offline", () => say("Offline. Changes cannot be saved."));
window.addEventListener("online", () => {
  say("Connected again.");
  setTimeout(() => say(""), 5000);
});
if (!navigator.onLine) say("Offline. Changes cannot be saved.");
