"""What both drawings are made of: elements with rounded coordinates, and the room texts take."""

from __future__ import annotations

from typing import Final, NamedTuple

import htpy
from htpy import Element, Node

TEXT_PX: Final = 12
"""Size of the text of drawings, in their own units."""
_WIDE: Final = frozenset("mwMW@%—…→←↻")
_NARROW: Final = frozenset("iljtf.,:;'|!()[] I1")


def text_width(text: str, size: float = TEXT_PX) -> float:
    """About how wide a text is in a usual sans-serif font, rather too wide than too narrow."""
    units = sum(0.95 if c in _WIDE else 0.36 if c in _NARROW else 0.62 for c in text)
    return units * size


def fitted(text: str, width: float, size: float = TEXT_PX) -> str:
    """A text cut to a width; the cut is marked. Empty where there is no room for a letter."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def group(css: str = "", *, move: tuple[float, float] | None = None) -> Element:
    """A `g` element."""
    attributes = {"class": css} if css else {}
    if move is not None:
        attributes["transform"] = f"translate({number(move[0])} {number(move[1])})"
    return htpy.g(attributes)


def rect(x: float, y: float, width: float, height: float, css: str, radius: float = 0) -> Element:
    """A rectangle."""
    attributes = {
        "class": css,
        "x": number(x),
        "y": number(y),
        "width": number(max(width, 0)),
        "height": number(height),
    }
    if radius:
        attributes["rx"] = number(min(radius, width / 2))
    return htpy.rect(attributes)


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> Element:
    """A straight line."""
    ends = {"x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2)}
    return htpy.line({"class": css, **ends})


def path(data: str, css: str) -> Element:
    """A path."""
    return htpy.path({"class": css, "d": data})


def text(x: float, y: float, content: str, css: str = "") -> Element:
    """A text; `css` says where it is anchored: "mid" or "end"."""
    attributes = {"x": number(x), "y": number(y)}
    if css:
        attributes["class"] = css
    return htpy.text(attributes)[content]


def titled(element: Element, said: str) -> Element:
    """An element that says what it is to those who point at it, or who do not see it."""
    return element[htpy.title[said]]


class Drawn(NamedTuple):
    """An `svg` element and its size."""

    element: Element
    width: float
    height: float


def drawn(
    width: float,
    height: float,
    nodes: Node,
    *,
    css: str,
    title: str,
    description: str,
    name: str,
) -> Drawn:
    """A drawing; `name` makes the ids of its title and description unique."""
    element = htpy.svg(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "width": number(width),
            "height": number(height),
            "class": f"drawing {css}",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-description",
        }
    )[
        htpy.title(id=f"{name}-title")[title],
        htpy.desc(id=f"{name}-description")[description],
        nodes,
    ]
    return Drawn(element, width, height)
