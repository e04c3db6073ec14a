"""The CPU ratios of a run as an SVG: one row for each query and peer, on a logarithmic axis."""

import math
from html import escape

from bench.peers.contenders import contenders
from bench.peers.ratios import Ratio

METRIC = "server and PostgreSQL CPU"
_LEFT, _WIDTH, _ROW, _TOP = 190, 560, 18, 56


def to_svg(found: list[Ratio]) -> str:
    """Return the picture. A dot is the median of the rounds, its line their spread; the vertical line is 1.

    Right of it StackFlow needs less CPU than the peer, left of it more.
    """
    shown = sorted((each for each in found if each.metric == METRIC), key=lambda each: each.query)
    ends = [1.0, *(value for each in shown for value in (each.least, each.greatest))]
    low, high = math.floor(math.log10(min(ends))), math.ceil(math.log10(max(ends)))
    high = max(high, low + 1)

    def across(value: float) -> float:
        return _LEFT + _WIDTH * (math.log10(value) - low) / (high - low)

    titles = {key: each.title for key, each in contenders().items()}
    bottom = _TOP + _ROW * len(shown)
    parts = [
        f'<text x="{_LEFT}" y="20">StackFlow / peer: {METRIC}, inverted; right of 1, StackFlow is cheaper</text>',
    ]
    for power in range(low, high + 1):
        x = across(10.0**power)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{_TOP - 14}" text-anchor="middle">{10.0**power:g}</text>')
    parts.append(f'<line x1="{across(1):.1f}" x2="{across(1):.1f}" y1="{_TOP - 8}" y2="{bottom}" stroke="#333"/>')
    for place, each in enumerate(shown):
        y = _TOP + _ROW * place + _ROW / 2
        label = escape(f"{each.query} / {titles[each.peer]}")
        middle = f"{across(each.median):.1f}"
        parts += [
            f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{label}</text>',
            f'<line x1="{across(each.least):.1f}" x2="{across(each.greatest):.1f}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#4477aa" stroke-width="2"/>',
            f'<circle cx="{middle}" cy="{y:.1f}" r="4" fill="#4477aa"/>',
            f'<text x="{_LEFT + _WIDTH + 12}" y="{y + 4:.1f}">{each.median:.3g}</text>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 70}" height="{bottom + 16}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
