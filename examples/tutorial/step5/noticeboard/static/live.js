// Keep the list of notices current: an event is a reason to load it again.
const list = document.querySelector("#notices");

async function refresh() {
  const response = await fetch("/notices");
  if (response.ok && !response.redirected) list.innerHTML = await response.text();
}

function connect() {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws");
  socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", room: "notices" }));
  socket.onmessage = ({ data }) => {
    // After "subscribed" no event is missed, and the list may have changed before.
    if (["subscribed", "event"].includes(JSON.parse(data).type)) refresh();
  };
  socket.onclose = ({ code }) => {
    if (code < 4400) setTimeout(connect, 1000 + 2000 * Math.random()); // 44xx: not signed in
  };
}

connect();
