"""Pseudonyms for addresses, SPIs and file names, laid over the engine's values.

Every writer and the diagnosis get redacted values, so no output can forget to redact.

A pseudonym is a number in order of appearance, never a hash: there are only 2^32 IPv4 addresses
and 2^32 ESP SPIs, so whoever holds a hash of one finds it by trying them all, salted or not, as
long as the salt travels with the tool. A number carries nothing but the order in which the
report lists things, and the same inputs in the same order give the same numbers in every run.

What stays: times, counts, message IDs, sequence numbers, protocol names, Vendor IDs, problem
kinds. They are what a report is for. Where traffic at a known time identifies someone, no
pseudonym helps.

Addresses become `host-1` (IPv6: `host6-2`) and not documentation addresses, because those occur
in real configurations and labs, and a reader must see at once that this is nobody's address.
SPIs and cookies keep their promised shape, hex of the same width: `0000000000000001`. Files
become their source's id with the extension, `s1.pcapng`.

Free text (details, reasons, evidence, hints) is searched for what is known by then, and for
whatever looks like an address, a long hex string, an SPI or a path.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.export.formatting import SPI_SHOWN, UNICODE, short_spi
from analyzers.export.names import Names
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, Exchange
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import Hint, PeerView, ShownSa
from analyzers.model.policy import DpdPolicy
from analyzers.model.records import Problem, SourceInfo
from analyzers.model.sa import EspFlow, IkeSa
from analyzers.sources.names import STDIN

# Extensions that say what a file is and nothing about whose it is.
_KEPT_SUFFIXES: Final = frozenset(
    {".pcap", ".pcapng", ".cap", ".dmp", ".gz", ".zst", ".log", ".txt", ".conf", ".cfg"}
)

_COOKIE_DIGITS: Final = 16

# One pass over a text, so that a pseudonym is never taken for an identifier again. Candidates
# for addresses are generous (masked octets, any run with two colons): `ipaddress` decides.
_PATH_REST: Final = r"[^\s'\",;:()<>]+"
_PATH: Final = rf"(?<![\w/.~]) (?P<path> (?: [A-Za-z]:\\ | ~?/ | \.{{1,2}}/ ) {_PATH_REST} )"
_OTHERS: Final = r"""
| (?<![\w.:])  (?P<ipv6> [0-9A-Fa-f]{0,4} (?: :[0-9A-Fa-f]{0,4} ){2,7} (?: \.\d{1,3} ){0,3} )
| (?<![\w.])   (?P<ipv4> [\dxX*]{1,3} (?: \.[\dxX*]{1,3} ){3} ) (?! \.?\w )
| (?<![0-9A-Za-z]) (?P<cut> [0-9A-Fa-f]{8} ) …
| (?<![0-9A-Za-z]) (?P<zero_x> 0[xX] )? (?P<hex> [0-9A-Fa-f]{16,} | [0-9A-Fa-f]{8} ) (?! \w )
"""


def redacted(content: Content, *, paths: Iterable[str] = (), names: Names | None = None) -> Content:
    """The content with pseudonyms; `paths` are further file names that texts may mention.

    `names`: those that configurations give to devices and connections.
    """
    return Redactor(paths, names).content(content)


class Redactor:
    """The pseudonyms of one run; grows with what it is shown."""

    def __init__(self, paths: Iterable[str] = (), names: Names | None = None) -> None:
        self._names = names or Names()
        self._addresses: dict[str, str] = {}
        self._spis: dict[str, str] = {}
        self._cut_spis: dict[str, str] = {}
        """Those of cookies, by what names of SAs show of them."""
        self._paths: dict[str, str] = {}
        self._further_paths = tuple(paths)
        self._pattern: re.Pattern[str] | None = None

    def content(self, content: Content) -> Content:
        """Sources, peers and diagnosis, with everything numbered in that order."""
        for info in content.sources:
            self.path(info.path, pseudonym=info.id)
        for path in self._further_paths:
            self.path(path)
        for peer in content.peers:
            self._register(peer)
        return replace(
            content,
            sources=tuple(self._source(info) for info in content.sources),
            peers=tuple(self._peer(peer) for peer in content.peers),
            findings=tuple(self._finding(finding) for finding in content.findings),
            suppressed=tuple(
                replace(one, finding=self._finding(one.finding), reason=self.text(one.reason))
                for one in content.suppressed
            ),
            diagnosis=tuple(self.text(sentence) for sentence in content.diagnosis),
        )

    def address(self, address: str) -> str:
        """`host-n`, or `host6-n` for IPv6; what is no address gets a pseudonym too."""
        known = self._addresses.get(address)
        if known is not None:
            return known
        canonical = _canonical_address(address) or address
        known = self._addresses.get(canonical)
        if known is None:
            family = "6" if ":" in canonical else ""
            known = f"host{family}-{len(self._addresses) + 1}"
            self._addresses[canonical] = known
        return known

    def spi(self, spi: str) -> str:
        """Hex of the same width; all zeros (not chosen yet) stays, it identifies nothing."""
        if len(spi) == 2 * _COOKIE_DIGITS:
            return self.spi(spi[:_COOKIE_DIGITS]) + self.spi(spi[_COOKIE_DIGITS:])
        if not spi.strip("0"):
            return spi
        known = self._spis.get(spi)
        if known is None:
            known = f"{len(self._spis) + 1:0{len(spi)}x}"
            self._spis[spi] = known
            self._cut_spis.setdefault(spi[:SPI_SHOWN], short_spi(known, UNICODE))
        return known

    def path(self, path: str, *, pseudonym: str | None = None) -> str:
        """A file's pseudonym with its extension; standard input keeps its dash."""
        if path == STDIN:
            return path
        known = self._paths.get(path)
        if known is None:
            stem = pseudonym or f"file-{len(set(self._paths.values())) + 1}"
            suffixes = [s for s in PurePath(path).suffixes if s.lower() in _KEPT_SUFFIXES]
            known = stem + "".join(suffixes[-2:])
            self._paths[path] = known
            self._paths.setdefault(PurePath(path).name or path, known)
            self._pattern = None
        return known

    def text(self, text: str) -> str:
        """Free text without anything that is known or that looks like an identifier."""
        if self._pattern is None:
            # The longest first: a path before its own file name.
            names = "|".join(re.escape(p) for p in sorted(self._paths, key=len, reverse=True) if p)
            files = rf"(?<![\w/.-]) (?P<file> {names} ) (?: /{_PATH_REST} | (?![\w/-]) ) |"
            files = files if names else ""
            self._pattern = re.compile(files + _PATH + _OTHERS, re.VERBOSE)
        return self._pattern.sub(self._replacement, self._names.text(text))

    def _replacement(self, found: re.Match[str]) -> str:
        match found.lastgroup:
            case "file":
                return self._paths[found["file"]]
            case "path":
                return "(path)"
            case "ipv4" | "ipv6":
                return self._address_in_text(found[0])
            case "cut":
                return self._cut_spis.get(found["cut"].lower(), "(SPI)")
            case _:
                return (found["zero_x"] or "") + self._hex_in_text(found["hex"])

    def _address_in_text(self, candidate: str) -> str:
        for cut in ("", ":", "."):
            address = candidate.removesuffix(cut)
            if address in self._addresses or _canonical_address(address) is not None:
                return self.address(address) + candidate[len(address) :]
        return candidate

    def _hex_in_text(self, digits: str) -> str:
        spi = digits.lower()
        if len(spi) in (_COOKIE_DIGITS, 2 * _COOKIE_DIGITS):
            return self.spi(spi)
        if len(spi) > _COOKIE_DIGITS:
            return "(hex)"
        # Eight digits may be a message ID or a plain number: only what is known as an SPI goes.
        return self._spis.get(spi, digits)

    def _register(self, peer: PeerView) -> None:
        for address in (peer.local, peer.remote, *peer.addresses):
            self.address(address)
        for sa in peer.ike_sas:
            self.spi(sa.initiator_spi)
            self.spi(sa.responder_spi)
        for flow in peer.esp_flows:
            self.spi(flow.spi)
        for spis in (*(d.spis for d in peer.deletes), *(sa.spis for sa in peer.shown)):
            for spi in spis:
                self.spi(spi)

    def _source(self, info: SourceInfo) -> SourceInfo:
        return replace(
            info,
            path=self.path(info.path, pseudonym=info.id),
            problems=[self._problem(problem) for problem in info.problems],
            protocols=dict(info.protocols),
        )

    def _problem(self, problem: Problem) -> Problem:
        return replace(problem, detail=self.text(problem.detail))

    def _peer(self, peer: PeerView) -> PeerView:
        return replace(
            peer,
            local=self.address(peer.local),
            remote=self.address(peer.remote),
            addresses=tuple(self.address(address) for address in peer.addresses),
            unheard=tuple(self.address(address) for address in peer.unheard),
            ike_sas=tuple(self._ike_sa(sa) for sa in peer.ike_sas),
            esp_flows=tuple(self._esp_flow(flow) for flow in peer.esp_flows),
            exchanges=tuple(self._exchange(exchange) for exchange in peer.exchanges),
            deletes=tuple(self._delete(delete) for delete in peer.deletes),
            black_holes=tuple(self._black_hole(hole) for hole in peer.black_holes),
            policies=tuple(self._policy(policy) for policy in peer.policies),
            hints=tuple(self._hint(hint) for hint in peer.hints),
            problems=tuple(self._problem(problem) for problem in peer.problems),
            shown=tuple(self._shown(sa) for sa in peer.shown),
            messages=tuple(self._message(message) for message in peer.messages),
            unfiltered=None if peer.unfiltered is None else self._peer(peer.unfiltered),
        )

    def _message(self, message: IkeMessage) -> IkeMessage:
        return replace(
            message,
            src=self.address(message.src),
            dst=self.address(message.dst),
            initiator_spi=self.spi(message.initiator_spi),
            responder_spi=self.spi(message.responder_spi),
            notifies=tuple(replace(n, spi=self.spi(n.spi), data=b"") for n in message.notifies),
            deletes=tuple(
                replace(d, spis=tuple(self.spi(spi) for spi in d.spis)) for d in message.deletes
            ),
            problems=tuple(self.text(problem) for problem in message.problems),
        )

    def _finding(self, finding: Finding) -> Finding:
        return replace(
            finding,
            title=self.text(finding.title),
            detail=self.text(finding.detail),
            remedy=self.text(finding.remedy),
            end=None if finding.end is None else self.address(finding.end),
        )

    def _shown(self, sa: ShownSa) -> ShownSa:
        return replace(
            sa,
            command=self.text(sa.command),
            dpd=None if sa.dpd is None else self.text(sa.dpd),
            spis=tuple(self.spi(spi) for spi in sa.spis),
        )

    def _ike_sa(self, sa: IkeSa) -> IkeSa:
        return replace(
            sa,
            initiator=self.address(sa.initiator),
            responder=self.address(sa.responder),
            initiator_spi=self.spi(sa.initiator_spi),
            responder_spi=self.spi(sa.responder_spi),
            vendor_ids=tuple((self.text(sender), value) for sender, value in sa.vendor_ids),
        )

    def _esp_flow(self, flow: EspFlow) -> EspFlow:
        return replace(
            flow,
            spi=self.spi(flow.spi),
            sender=self.address(flow.sender),
            receiver=self.address(flow.receiver),
        )

    def _exchange(self, exchange: Exchange) -> Exchange:
        return replace(
            exchange,
            prober=self.address(exchange.prober),
            responder=self.address(exchange.responder),
        )

    def _delete(self, delete: Delete) -> Delete:
        return replace(
            delete,
            sender=self.address(delete.sender),
            spis=tuple(self.spi(spi) for spi in delete.spis),
            reason=self.text(delete.reason),
        )

    def _black_hole(self, hole: BlackHole) -> BlackHole:
        return replace(
            hole,
            sender=self.address(hole.sender),
            receiver=self.address(hole.receiver),
            spis=tuple(self.spi(spi) for spi in hole.spis),
        )

    def _policy(self, policy: DpdPolicy) -> DpdPolicy:
        return replace(
            policy,
            holder=self.address(policy.holder),
            evidence=self.text(policy.evidence),
        )

    def _hint(self, hint: Hint) -> Hint:
        text, reason = self.text(hint.text), self.text(hint.reason)
        return replace(hint, sender=self.address(hint.sender), text=text, reason=reason)


def _canonical_address(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # The unspecified address is a word of the protocol, not somebody's address; in texts it
    # is mostly two colons of something else.
    return None if text == "::" else str(address)
