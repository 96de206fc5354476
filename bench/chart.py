"""A bar chart of the CPU time of peers, with ours as 1, as one SVG for light and dark pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from bench.side_by_side import Result

WIDTH, LEFT, RIGHT = 760, 190, 60
ROW, GAP, TOP = 18, 14, 46
MOST = 4.0  # longer bars are cut, and their label has the value
TITLE = "CPU time and memory of peers, ours as 1: shorter is better"
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.what { font-weight: 600 }
.end { text-anchor: end }
.soft { fill: #57606a }
.ours { fill: #0969da }
.peer { fill: #afb8c1 }
line { stroke: #0969da; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .soft { fill: #9198a1 }
  .ours { fill: #4493f8 }
  .peer { fill: #656c76 }
  line { stroke: #4493f8 }
}
"""


def draw(results: Sequence[Result], column_of: Callable[[str], str | None]) -> str:
    """Return the chart: for each measurement ours, then the peers.

    Args:
        results: Those with a ratio are peers; the first of each measurement is ours.
        column_of: Gives the label of a peer; None leaves it out.
    """
    groups: dict[str, list[tuple[str, float]]] = {}
    for result in results:
        bars = groups.setdefault(result.what, [])
        if result.by_cpu is None:
            if not bars:
                bars.append(("Quarterdeck", 1.0))
        elif label := column_of(result.name):
            bars.append((label.strip("`"), result.by_cpu.median))
    parts, y = [], TOP
    scale = (WIDTH - LEFT - RIGHT) / MOST
    for what, bars in groups.items():
        parts.append(f'<text class="what" x="0" y="{y + 13}">{escape(what)}</text>')
        y += ROW
        for label, value in bars:
            kind = "ours" if label == "Quarterdeck" else "peer"
            length = round(min(value, MOST) * scale, 1)
            parts += [
                f'<text class="soft end" x="{LEFT - 8}" y="{y + 12}">{escape(label)}</text>',
                f'<rect class="{kind}" x="{LEFT}" y="{y + 2}" width="{length}" height="12"/>',
                f'<text x="{LEFT + length + 6}" y="{y + 12}">{value:.2f}</text>',
            ]
            y += ROW
        y += GAP
    one = LEFT + scale
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
        f'aria-label="{TITLE}"><title>{TITLE}</title><style>{STYLE}</style>\n'
        f'<text class="what" x="0" y="16">{TITLE}</text>\n'
        f'<line x1="{one}" x2="{one}" y1="{TOP - 12}" y2="{y - GAP}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
