"""Prompts and the commands typed at them, abbreviated as people type them."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from analyzers.model.snapshot import SnapshotFormat as F

_MAX_COMMAND: Final = 200
_MAX_WORDS: Final = 16

# hub#, hub(config)#, asa/pri/act#, FW01 (root) #, root@gw:~#, [root@gw ~]#, $
_PROMPT: Final = re.compile(
    r"\s{0,8}(?:\[(?P<user>[\w.@-]{1,64})[^\]#>$]{0,64}\] ?|"
    r"(?P<host>\d{0,8}[A-Za-z_][\w.@:~/+-]{0,63})?(?: ?\([\w.-]{1,40}\)){0,2} {0,2})"
    r"[#>$] {0,4}(?P<said>.{0,200})"
)

# Words are "least/rest": IOS takes every abbreviation between the two. Later words are free.
_SPELLINGS: Final[tuple[tuple[str, tuple[F, ...]], ...]] = (
    ("sh/ow cr/ypto is/akmp sa", (F.IOS_ISAKMP_SA, F.ASA_IKEV1_SA, F.ASA_IKEV2_SA)),
    ("sh/ow is/akmp sa", (F.ASA_IKEV1_SA, F.ASA_IKEV2_SA)),
    ("sh/ow cr/ypto ikev1 sa", (F.ASA_IKEV1_SA,)),
    ("sh/ow cr/ypto ikev2 sa", (F.IOS_IKEV2_SA, F.ASA_IKEV2_SA)),
    ("sh/ow cr/ypto ikev2 se/ssion", (F.IOS_IKEV2_SA,)),
    ("sh/ow cr/ypto ike/v sa", (F.ASA_IKEV1_SA, F.ASA_IKEV2_SA)),
    ("sh/ow cr/ypto ip/sec sa", (F.CISCO_IPSEC_SA,)),
    ("sh/ow ip/sec sa", (F.CISCO_IPSEC_SA,)),
    ("sh/ow cr/ypto se/ssion", (F.IOS_CRYPTO_SESSION,)),
    ("sh/ow vpn-/sessiondb", (F.ASA_VPN_SESSIONDB,)),
    ("swanctl --list-sa/s", (F.SWANCTL_LIST_SAS,)),
    ("swanctl -l/", (F.SWANCTL_LIST_SAS,)),
    ("ipsec statusall", (F.STRONGSWAN_STATUSALL,)),
    ("strongswan statusall", (F.STRONGSWAN_STATUSALL,)),
    ("ipsec status", (F.STRONGSWAN_STATUSALL, F.LIBRESWAN_STATUS)),
    ("ipsec auto --status", (F.LIBRESWAN_STATUS,)),
    ("ipsec whack --status", (F.LIBRESWAN_STATUS,)),
    ("ipsec showstates", (F.LIBRESWAN_STATUS,)),
    ("ipsec trafficstatus", (F.LIBRESWAN_TRAFFICSTATUS,)),
    ("ipsec whack --trafficstatus", (F.LIBRESWAN_TRAFFICSTATUS,)),
    ("di/agnose vpn ike gat/eway", (F.FORTIGATE_IKE_GATEWAY,)),
    ("di/agnose vpn tu/nnel", (F.FORTIGATE_VPN_TUNNEL,)),
)
_CLOCKS: Final = ("sh/ow clo/ck", "date", "uptime", "get sys/tem sta/tus")
_JOINED: Final = re.compile(r";|&&")
_PEER: Final = re.compile(r"\s(?:peer|remote|addr\w{0,4}) ([0-9A-Fa-f.:]{3,45})(?:\s|$)")


class Said(Struct, frozen=True):
    """A prompt, and what was typed at it. `formats` are those that the command can print."""

    line: int
    hostname: str
    command: str
    formats: tuple[F, ...] = ()
    asks_time: bool = False
    peer: str = ""
    """The peer that the command was restricted to."""
    stamp: str = ""
    """What the terminal program put before the line."""


def read_prompt(text: str, line: int, stamp: str = "") -> Said | None:
    """The prompt that a line begins with, or None; a bare prompt has no command."""
    found = _PROMPT.match(text)
    if found is None:
        return None
    command = found["said"].strip()[:_MAX_COMMAND]
    hostname = _hostname(found["user"] or found["host"] or "")
    if not command:
        return Said(line, hostname, "", stamp=stamp)
    said = _said(command, line, hostname, stamp)
    return said if said.formats or said.asks_time or hostname else None


def read_command(text: str, line: int, prompt: Said) -> Said | None:
    """The command in the line after a bare prompt, where it is one that is known here."""
    said = _said(text.strip()[:_MAX_COMMAND], line, prompt.hostname, prompt.stamp)
    return said if said.formats or said.asks_time else None


def _said(command: str, line: int, hostname: str, stamp: str) -> Said:
    # `date; swanctl --list-sas`
    parts = [_words(part) for part in _JOINED.split(command, maxsplit=_MAX_WORDS)]
    formats = next((f for words in parts if (f := _formats(words))), ())
    asks_time = any(_is(words, spelling) for words in parts for spelling in _CLOCKS)
    peer = _PEER.search(command) if formats else None
    told = peer[1].lower() if peer else ""
    return Said(line, hostname, command, formats, asks_time, told, stamp)


def _formats(words: list[str]) -> tuple[F, ...]:
    return next((formats for spelling, formats in _SPELLINGS if _is(words, spelling)), ())


def _hostname(prompt: str) -> str:
    """`asa` of `asa/pri/act`, `gw` of `root@gw:~`."""
    name = prompt.rpartition("@")[2]
    return name.partition(":")[0].partition("/")[0].rstrip("~")


def _words(command: str) -> list[str]:
    words = command.lower().split(maxsplit=_MAX_WORDS)
    while words and words[0] in {"do", "sudo"}:
        del words[0]
    if words and "/" in words[0]:
        words[0] = words[0].rpartition("/")[2]
    return words


def _is(words: list[str], spelling: str) -> bool:
    expected = spelling.split(" ")
    if len(words) < len(expected):
        return False
    for word, whole in zip(words, expected, strict=False):
        least, slash, rest = whole.partition("/")
        if not slash:
            if word != least:
                return False
        elif not (word.startswith(least) and (least + rest).startswith(word)):
            return False
    return True
