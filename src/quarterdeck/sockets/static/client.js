// A client of quarterdeck.sockets for browsers. It reconnects by itself and misses no event: for
// each room it keeps the id of the last event, and asks for those after it.

const FIRST = 500, LONGEST = 30_000; // milliseconds between two attempts
const QUIET = 25_000, PATIENCE = 10_000; // of silence before a ping, and for its answer
const HANDLERS = ["event", "gap", "presence", "subscribed", "refused", "state"];
const SIGNED_OUT = 4401, NOT_ALLOWED = 4403;

/** Whether an event id, "<milliseconds>-<number>", is later than another, or there is no other. */
function isAfter(id, other) {
  if (!other) return true;
  const [ms, number] = id.split("-").map(Number);
  const [otherMs, otherNumber] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}

/**
 * Subscribe to rooms over one WebSocket, for the lifetime of the page.
 *
 * @param subscriptions {room, doing, since} for each room, or its name. `doing` is shown to others
 *   in the presence of the room. `since` is the id of the last event that the page knows
 *   (`hub.position` when it was made); without it, events from now on are sent.
 * @param handlers Functions, each optional:
 *   event(message, isReplayed): message has room, id, name and data; isReplayed is true for those
 *     that were published while there was no connection.
 *   gap(room): events are missing, because the server no longer has them. Load the data again.
 *   presence(message): who is in a room.
 *   subscribed(room, at): all events up to the id `at` have been handled.
 *   refused(message): an error message, with code, detail and sometimes room.
 *   state(word): connected, lost (it is tried again), signed-out or not-allowed (it is not).
 * @param path Of the WebSocket, relative to the page.
 * @returns say(room, text), which is false while there is no connection, and close().
 */
export function connect(subscriptions, handlers, { path = "/ws" } = {}) {
  const rooms = new Map(subscriptions.map((one) => {
    const seat = typeof one === "string" ? { room: one } : { ...one };
    return [seat.room, seat];
  }));
  const url = new URL(path, location.href).href.replace(/^http/, "ws");
  const heard = Object.fromEntries(HANDLERS.map((name) => [name, handlers[name] ?? (() => {})]));
  let socket = null, attempts = 0, hasEnded = false, isClosed = false, retry, watch;

  const send = (message) => socket.send(JSON.stringify(message));

  function open() {
    clearTimeout(retry);
    if (hasEnded || socket || !navigator.onLine) return;
    socket = new WebSocket(url);
    socket.onopen = opened;
    socket.onmessage = ({ data }) => {
      watchOver();
      take(JSON.parse(data));
    };
    socket.onclose = ({ code }) => closed(code);
  }

  function opened() {
    heard.state("connected");
    watchOver();
    for (const { room, doing, since } of rooms.values()) {
      rooms.get(room).isCatchingUp = true;
      send({ type: "subscribe", room, doing, since });
    }
  }

  function take(message) {
    const seat = rooms.get(message.room);
    if (message.type === "error") return heard.refused(message);
    if (!seat) return;
    if (message.type === "event" && isAfter(message.id, seat.since)) {
      seat.since = message.id;
      heard.event(message, seat.isCatchingUp);
    } else if (message.type === "subscribed") {
      // After a gap this may be lower than what was known: the server began anew.
      seat.since = message.at;
      seat.isCatchingUp = false;
      attempts = 0;
      heard.subscribed(message.room, message.at);
    } else if (message.type === "gap") {
      heard.gap(message.room);
    } else if (message.type === "presence") {
      heard.presence(message);
    }
  }

  /** A line that died without a word is noticed, because pings must be answered. */
  function watchOver() {
    clearTimeout(watch);
    watch = setTimeout(() => {
      send({ type: "ping" });
      watch = setTimeout(drop, PATIENCE);
    }, QUIET);
  }

  function drop() {
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    closed(null);
  }

  function closed(code) {
    socket = null;
    clearTimeout(watch);
    if (code === SIGNED_OUT || code === NOT_ALLOWED) {
      hasEnded = true;
      return heard.state(code === SIGNED_OUT ? "signed-out" : "not-allowed");
    }
    if (hasEnded) return;
    heard.state("lost");
    const wait = Math.min(LONGEST, FIRST * 2 ** attempts);
    attempts += 1;
    retry = setTimeout(open, wait * (0.5 + Math.random() / 2));
  }

  function atOnce() {
    attempts = 0;
    open();
  }

  window.addEventListener("offline", drop);
  window.addEventListener("online", atOnce);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) atOnce(); });
  window.addEventListener("pagehide", () => {
    hasEnded = true;
    drop();
  });
  window.addEventListener("pageshow", ({ persisted }) => {
    if (!persisted || isClosed) return;
    hasEnded = false;
    atOnce();
  });
  open();

  return {
    close() {
      hasEnded = isClosed = true;
      drop();
    },
    say(room, text) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      send({ type: "say", room, text });
      return true;
    },
  };
}
