"""What of an event or a peer can be taken elsewhere: text, JSON, Wireshark filter, BPF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.export.content import Content
from analyzers.export.formatting import utc_date, utc_time
from analyzers.export.json_writer import line
from analyzers.export.report import build_black_hole, build_delete, build_exchange, build_peer_head
from analyzers.export.selections import Selection, Selector
from analyzers.export.story import arriving, bounds_of, broken_way, class_named, moments
from analyzers.export.verdict import verdict_of
from analyzers.export.words import peer_phrase
from analyzers.model.peer import PeerView
from dpdlab.present.events import Event

_DIGITS: Final = 6
_HOLES_TOLD: Final = 3


def of_event(content: Content, peer: PeerView, event: Event) -> dict[str, str]:
    """The forms of one event, by name."""
    place = "" if event.ref is None else f" ({event.ref.source}#{event.ref.record})"
    texts = {"text": f"{_utc(event.at_ns)} {event.label}{place}"}
    selector = Selector(content.sources, content.peers)
    selection: Selection | None = None
    if event.exchange is not None:
        texts["JSON"] = line(build_exchange(event.exchange))
        selection = selector.of_exchange(event.exchange)
    elif event.delete is not None:
        texts["JSON"] = line(build_delete(event.delete))
        selection = selector.of_delete(event.delete)
    elif event.hole is not None:
        texts["JSON"] = line(build_black_hole(event.hole))
        selection = selector.of_black_hole(peer, event.hole)
    elif event.message is not None:
        selection = selector.of_message(event.message)
    return texts | _filters(selection)


def of_peer(content: Content, peer: PeerView) -> dict[str, str]:
    """The forms of a peer, by name."""
    return {
        "text": "\n".join(_story(peer)),
        "JSON": line(build_peer_head(peer)),
        "Wireshark filter": _both(peer, "ip"),
        "BPF": f"host {peer.local} and host {peer.remote}",
    }


def _story(peer: PeerView) -> Iterator[str]:
    """A peer in a few lines, for a ticket: what it comes to, and the last black holes."""
    _, *parts = verdict_of([peer]).parts
    told = [peer_phrase(peer), *(part.text for part in parts)]
    yield f"{peer.local} to {peer.remote}: {'; '.join(told)}"
    there = arriving(peer)
    for hole in peer.black_holes[-_HOLES_TOLD:]:
        way = " to ".join(broken_way(hole, there))
        yield f"black hole {way}, {class_named(hole)}: {', '.join(bounds_of(hole, there))}"
        for moment in moments(peer, hole):
            yield f"  {_utc(moment.at_ns)}  {moment.text}"


def _utc(at_ns: int) -> str:
    return f"{utc_date(at_ns)} {utc_time(at_ns, _DIGITS)} UTC"


def _both(peer: PeerView, family: str) -> str:
    name = "ipv6" if ":" in peer.remote else family
    return f"{name}.addr == {peer.local} && {name}.addr == {peer.remote}"


def _filters(selection: Selection | None) -> dict[str, str]:
    if selection is None:
        return {}
    texts = {}
    if selection.display_filter:
        texts["Wireshark filter"] = selection.display_filter
    if selection.bpf:
        texts["BPF"] = selection.bpf
    for source, frames in selection.frames.items():
        texts[f"Wireshark filter by frame ({source})"] = frames
    return texts
