// The one WebSocket of the tab: it comes back by itself, and misses nothing because every room
// remembers the last event it heard and asks for what came after.

const FIRST = 500, LONGEST = 30_000; // milliseconds between two attempts
const QUIET = 25_000, PATIENCE = 10_000; // of silence before a ping, and for its answer
const SIGNED_OUT = 4401, NOT_ALLOWED = 4403;

/** Whether an event id, "<milliseconds>-<number>", is later than another. */
export function isAfter(id, other) {
  const [ms, number] = id.split("-").map(Number);
  const [otherMs, otherNumber] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}

/**
 * Listen in rooms.
 * @param seats {room, doing, since} for each.
 * @param heard Functions: event(message, isReplayed), gap(room), presence(message),
 *   subscribed(room, at), refused(message) and state(word), which is connected, lost, signed-out
 *   or not-allowed.
 * @returns say(room, text), which is false while there is no connection.
 */
export function connect(seats, heard) {
  const rooms = new Map(seats.map((seat) => [seat.room, seat]));
  let socket = null, attempts = 0, hasEnded = false, retry, watch;

  const send = (message) => socket.send(JSON.stringify(message));

  function open() {
    clearTimeout(retry);
    if (hasEnded || socket || !navigator.onLine) return;
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`);
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
    if (!persisted) return;
    hasEnded = false;
    atOnce();
  });
  open();

  return {
    say(room, text) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      send({ type: "say", room, text });
      return true;
    },
  };
}
