// Writes every <time data-moment> in the reader's time zone and language, now and when added later.

const MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
// Up to which number of a unit it is used before the next larger one: moment.js's thresholds.
const STEPS = [
  ["minute", MINUTE, 45],
  ["hour", HOUR, 22],
  ["day", DAY, 26],
  ["month", 30.4375 * DAY, 11],
  ["year", 365.25 * DAY, Infinity],
];

// What moment.js calls its localised formats, in the browser's own terms.
const LOCAL = {
  LT: { timeStyle: "short" },
  LTS: { timeStyle: "medium" },
  L: { year: "numeric", month: "2-digit", day: "2-digit" },
  l: { year: "numeric", month: "numeric", day: "numeric" },
  LL: { dateStyle: "long" },
  ll: { dateStyle: "medium" },
  LLL: { dateStyle: "long", timeStyle: "short" },
  lll: { dateStyle: "medium", timeStyle: "short" },
  LLLL: { dateStyle: "full", timeStyle: "short" },
  llll: { weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" },
};

const TOKEN = new RegExp(
  "\\[([^\\]]*)\\]|LTS|LT|L{1,4}|l{1,4}|YYYY|YY|Mo|M{1,4}|DDDo|Do|D{1,4}|do|d{1,4}" +
  "|Qo|Q|WW|Wo|W|GGGG|GG|E|A|a|HH|H|hh|h|kk|k|mm|m|ss|s|SSS|SS|S|ZZ|Z|X|x", "g");

const timers = new WeakMap();

function locales() {
  const chosen = document.querySelector("[data-moment-locale]")?.dataset.momentLocale;
  return chosen ? [chosen] : [...navigator.languages];
}

/** A time, or a date alone: that is the same day everywhere, so it is read and written in UTC. */
class When {
  constructor(text) {
    this.dateOnly = !text.includes("T");
    this.date = new Date(text);
    this.zone = this.dateOnly ? "UTC" : undefined;
  }

  get valid() {
    return !Number.isNaN(this.date.getTime());
  }

  /** The number of the day on the reader's calendar. */
  get day() {
    const { date } = this;
    if (this.dateOnly) return date.getTime() / 1000 / DAY;
    return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 1000 / DAY;
  }

  write(options) {
    return new Intl.DateTimeFormat(locales(), { ...options, timeZone: this.zone }).format(this.date);
  }

  part(type, options) {
    const parts = new Intl.DateTimeFormat(locales(), { ...options, timeZone: this.zone })
      .formatToParts(this.date);
    return parts.find((part) => part.type === type)?.value ?? "";
  }

  /** Year, month, ... as numbers, in the reader's zone. */
  numbers() {
    const { date } = this;
    // Shifted, so that the UTC fields are those of the reader's clock.
    const offset = this.dateOnly ? 0 : -date.getTimezoneOffset();
    const local = new Date(date.getTime() + offset * MINUTE * 1000);
    return {
      offset,
      year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate(),
      weekday: local.getUTCDay(), hour: local.getUTCHours(), minute: local.getUTCMinutes(),
      second: local.getUTCSeconds(), millisecond: local.getUTCMilliseconds(),
      yearDay: (Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate())
        - Date.UTC(local.getUTCFullYear(), 0, 1)) / 1000 / DAY + 1,
    };
  }
}

const two = (number) => String(number).padStart(2, "0");

function isoWeek(n) {
  const thursday = new Date(Date.UTC(n.year, n.month - 1, n.day + 4 - (n.weekday || 7)));
  const start = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return [thursday.getUTCFullYear(), Math.ceil(((thursday - start) / 1000 / DAY + 1) / 7)];
}

function zoneOffset(minutes, colon) {
  const size = Math.abs(minutes);
  return (minutes < 0 ? "-" : "+") + two(Math.floor(size / 60)) + colon + two(size % 60);
}

function ordinal(number) {
  const [locale] = Intl.PluralRules.supportedLocalesOf(locales());
  if (locale && !locale.startsWith("en")) return `${number}`; // no common suffix to put there
  const rule = new Intl.PluralRules("en", { type: "ordinal" }).select(Number(number));
  return number + { one: "st", two: "nd", few: "rd", other: "th" }[rule];
}

const FIELDS = {
  YYYY: (n) => String(n.year).padStart(4, "0"),
  YY: (n) => two(n.year % 100),
  Q: (n) => Math.ceil(n.month / 3),
  M: (n) => n.month,
  MM: (n) => two(n.month),
  MMM: (n, when) => when.part("month", { month: "short", day: "numeric" }),
  MMMM: (n, when) => when.part("month", { month: "long", day: "numeric" }),
  D: (n) => n.day,
  DD: (n) => two(n.day),
  DDD: (n) => n.yearDay,
  DDDD: (n) => String(n.yearDay).padStart(3, "0"),
  d: (n) => n.weekday,
  dd: (n, when) => when.part("weekday", { weekday: "short" }).slice(0, 2),
  ddd: (n, when) => when.part("weekday", { weekday: "short" }),
  dddd: (n, when) => when.part("weekday", { weekday: "long" }),
  E: (n) => n.weekday || 7,
  W: (n) => isoWeek(n)[1],
  WW: (n) => two(isoWeek(n)[1]),
  GG: (n) => two(isoWeek(n)[0] % 100),
  GGGG: (n) => isoWeek(n)[0],
  A: (n, when) => when.part("dayPeriod", { hour: "numeric", hour12: true }).toUpperCase(),
  a: (n, when) => when.part("dayPeriod", { hour: "numeric", hour12: true }).toLowerCase(),
  H: (n) => n.hour,
  HH: (n) => two(n.hour),
  h: (n) => (n.hour + 11) % 12 + 1,
  hh: (n) => two((n.hour + 11) % 12 + 1),
  k: (n) => (n.hour + 23) % 24 + 1,
  kk: (n) => two((n.hour + 23) % 24 + 1),
  m: (n) => n.minute,
  mm: (n) => two(n.minute),
  s: (n) => n.second,
  ss: (n) => two(n.second),
  S: (n) => Math.floor(n.millisecond / 100),
  SS: (n) => two(Math.floor(n.millisecond / 10)),
  SSS: (n) => String(n.millisecond).padStart(3, "0"),
  Z: (n) => zoneOffset(n.offset, ":"),
  ZZ: (n) => zoneOffset(n.offset, ""),
  X: (n, when) => Math.floor(when.date.getTime() / 1000),
  x: (n, when) => when.date.getTime(),
};

/** One of moment.js's localised formats; a date alone has no clock to show. */
function local(when, name) {
  const { timeStyle, hour, minute, ...day } = LOCAL[name];
  const dateOnly = when.dateOnly && Object.keys(day).length;
  return when.write(dateOnly ? day : LOCAL[name]);
}

function format(when, pattern) {
  const numbers = when.numbers();
  return pattern.replace(TOKEN, (token, quoted) => {
    if (quoted !== undefined) return quoted;
    if (token in LOCAL) return local(when, token);
    if (token in FIELDS) return FIELDS[token](numbers, when);
    return ordinal(FIELDS[token.slice(0, -1)](numbers, when));
  });
}

/** "in 2 hours", "2 hours ago"; plain leaves the direction out. */
function distance(seconds, plain) {
  const size = Math.abs(seconds);
  let unit = "second", count = 0;
  if (size >= 45) {
    for (const [name, length, limit] of STEPS) {
      [unit, count] = [name, Math.max(1, Math.round(size / length))];
      if (count < limit) break;
    }
  }
  return inWords(count * Math.sign(seconds), unit, plain, count ? "always" : "auto");
}

function inWords(count, unit, plain, numeric) {
  if (!plain) return new Intl.RelativeTimeFormat(locales(), { numeric }).format(count, unit);
  const options = { style: "unit", unit, unitDisplay: "long" };
  return new Intl.NumberFormat(locales(), options).format(Math.abs(count));
}

/** How far `a` is from `b`; between dates alone in whole days, where "yesterday" is true. */
function relative(a, b, plain) {
  const days = a.day - b.day;
  if ((a.dateOnly || b.dateOnly) && Math.abs(days) < 26) return inWords(days, "day", plain, "auto");
  return distance((a.date - b.date) / 1000, plain);
}

function calendar(when, now) {
  const days = when.day - now.day;
  const clock = when.dateOnly ? {} : { hour: "numeric", minute: "2-digit" };
  if (Math.abs(days) > 6) return when.write(LOCAL.L);
  if (Math.abs(days) > 1) return when.write({ weekday: "long", ...clock });
  const day = inWords(days, "day", false, "auto");
  return when.dateOnly ? day : `${day}, ${when.write(LOCAL.LT)}`;
}

function now() {
  return new When(new Date().toISOString());
}

function text(element, when) {
  const { moment: kind, momentFormat, momentOther, momentPlain } = element.dataset;
  const plain = momentPlain !== undefined;
  const other = momentOther === undefined ? now() : new When(momentOther);
  if (kind === "format") return format(when, momentFormat);
  if (kind === "calendar") return calendar(when, other);
  return kind === "from" ? relative(when, other, plain) : relative(other, when, plain);
}

function render(element) {
  const when = new When(element.dateTime);
  if (!when.valid) return;
  element.textContent = text(element, when);
  element.lang = new Intl.DateTimeFormat(locales()).resolvedOptions().locale;
  if (element.dataset.moment !== "format" && (!element.title || element.dataset.momentTitle)) {
    element.title = local(when, "LLL");
    element.dataset.momentTitle = "own";
  }
  repeat(element);
}

function repeat(element) {
  clearTimeout(timers.get(element));
  const every = Number(element.dataset.momentRefresh);
  if (every) timers.set(element, setTimeout(() => element.isConnected && render(element), every));
}

function renderAll(root) {
  if (root.matches?.("time[data-moment]")) render(root);
  root.querySelectorAll("time[data-moment]").forEach(render);
}

new MutationObserver((records) => {
  for (const { type, target, addedNodes } of records) {
    if (type === "attributes") renderAll(target);
    for (const node of addedNodes) if (node instanceof Element) renderAll(node);
  }
}).observe(document, {
  subtree: true,
  childList: true,
  attributeFilter: ["datetime", "data-moment", "data-moment-format", "data-moment-other"],
});

renderAll(document);
