// Keep the list of notices current: an event is a reason to load it again.
const list = document.querySelector("#notices");
const { connect } = await import(list.dataset.client); // of quarterdeck.sockets

async function refresh() {
  const response = await fetch("/notices");
  if (response.ok && !response.redirected) list.innerHTML = await response.text();
}

// It connects again by itself. After "subscribed" no event is missed.
connect(["notices"], { subscribed: refresh, event: refresh, gap: refresh });
