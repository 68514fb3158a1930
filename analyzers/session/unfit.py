"""What was given for the peers and fits none of them: said, for else it is missed in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from analyzers.model.addresses import same_address
from analyzers.model.configuration import Configuration
from analyzers.model.peer import PeerView
from analyzers.model.policy import GivenPolicy
from analyzers.tracking.configured import Configured

GIVEN: Final = "--policy"
"""What is said of a policy begins with it."""
_LOCAL: Final = "--local"
UNFIT: Final = (GIVEN, "The configuration ", _LOCAL)
"""What the sentences begin with."""


def unfit(
    peers: Sequence[PeerView],
    given: Sequence[GivenPolicy],
    configurations: Sequence[Configuration],
    paths: Mapping[str, str],
    local: Sequence[str] = (),
) -> list[str]:
    """A sentence for each; `paths` maps ids of sources to what the user named.

    `local`: addresses of our side; some of them may well be in other inputs only.

    Empty without a peer: then nothing can fit.
    """
    if not peers:
        return []
    said = [f"{GIVEN} {_named(one)} {why}" for one in given if (why := _why_not(one, peers))]
    configured = Configured(configurations)
    for configuration in configurations:
        pairs = [(p.local, p.remote) for p in peers] + [(p.remote, p.local) for p in peers]
        owned = any(configured.owner(*pair) is configuration for pair in pairs)
        if configuration.connections and not owned:
            path = paths.get(configuration.source, configuration.source)
            name = PurePath(path).name
            said.append(f"{UNFIT[1]}{name} is that of no end of a peer: it was not used.")
    ends = {end for p in peers for end in (p.local, p.remote, *p.addresses)}
    if local and not ends.intersection(local):
        said.append(
            f"{_LOCAL} {', '.join(local)}: no peer has such an address, so that which end is ours"
            " is guessed."
        )
    return said


def _named(given: GivenPolicy) -> str:
    profile = given.policy.profile or given.policy.mode
    return f"{profile} for {given.holder}" if given.holder else str(profile)


def _why_not(given: GivenPolicy, peers: Sequence[PeerView]) -> str:
    fitting = [
        peer
        for peer in peers
        if given.holder is None
        or any(same_address(given.holder, end) for end in (peer.local, peer.remote))
    ]
    if not fitting:
        return "fits no peer: none has that address."
    versions = {sa.ike_version for peer in fitting for sa in peer.ike_sas}
    if given.ike_version is None or not versions or given.ike_version in versions:
        return ""
    used = " and ".join(f"IKEv{version}" for version in sorted(versions))
    return f"fits no peer: it is one of IKEv{given.ike_version}, and {used} was seen."
