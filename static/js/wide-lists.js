// Lists that are wider than the page: the frame scrolls, and its first column stays in sight.
// Where the table fits, the frame is as if it were not there.

const WIDE = ".list-frame[data-width=wide]";
const OWN = "a, button, input, label, summary, time[title]"; // what does something else in a row

function measure(frame) {
  const { scrollLeft, scrollTop } = frame;
  delete frame.dataset.width; // what is wide is given more room, so it is measured without
  const isWide = frame.scrollWidth > frame.clientWidth;
  frame.dataset.width = isWide ? "wide" : "fits";
  frame.toggleAttribute("tabindex", isWide);
  if (isWide) frame.tabIndex = 0;
  frame.scrollTo(scrollLeft, scrollTop);
}

/** Open the record of a row: its link covers only the cell that stays in sight. */
function open(event) {
  const link = event.target.closest?.(`${WIDE} tbody tr`)?.querySelector(".row-link");
  if (!link || event.button > 1 || event.target.closest(OWN) || !getSelection().isCollapsed) return;
  if (event.button || event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
  else link.click();
}

const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => measure(target)));

function measureAll() {
  for (const frame of document.querySelectorAll(".list-frame")) {
    measure(frame);
    observer.observe(frame);
  }
}

measureAll();
document.addEventListener("live:shown", measureAll);
document.addEventListener("click", open);
document.addEventListener("auxclick", open);
