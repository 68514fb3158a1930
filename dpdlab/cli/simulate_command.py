"""`dpdlab simulate`: black holes under other policies; without inputs, planning."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from analyzers.configs.vendors import out_of_range
from analyzers.errors import AnalyzerError, OptionError
from analyzers.export.content import Content
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerView
from analyzers.model.policy import PolicyMode
from analyzers.whatif import candidates
from analyzers.whatif.plan import Demand, plan
from analyzers.whatif.recommend import RIDE_OUT_S, recommend, recommendable, target_s
from analyzers.whatif.results import Planned, Simulated
from analyzers.whatif.study import Candidate, Simulation, Study
from dpdlab import __version__
from dpdlab.cli.analysis import analysed, content_of, opened_output
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.judging import exit_code
from dpdlab.cli.option_groups import DEFAULT_BUDGET_S
from dpdlab.cli.output import Output
from dpdlab.cli.progress import ProgressBar

if TYPE_CHECKING:
    from analyzers.session import Session

_PLANNING: Final = ("every", "peers", "both_ends")
_OWN_RETRY_S: Final = 2.0
_OWN_RETRIES: Final = 4


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Replay or plan, and write.

    Raises:
        CommandError: an input, a policy, another option or the output cannot be used.
    """
    options = invocation.options
    try:
        wanted = _wanted(options)
    except OptionError as error:
        raise CommandError(ExitCode.USAGE, error.message, error.hint) from error
    for candidate in wanted:
        for said in out_of_range(candidate.policy):
            diagnostics.warning(f"{candidate.label}: {said}")
    if not invocation.words:
        return _plan(invocation, wanted)
    for name in _PLANNING:
        if getattr(options, name):
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} is for planning", "leave the inputs out")
    return _simulate(invocation, wanted, diagnostics)


def _wanted(options: argparse.Namespace) -> list[Candidate]:
    """The policies that the user names. Raises OptionError."""
    found = [candidates.given(text) for text in options.policy]
    own = [options.retry, options.retries]
    if options.interval is not None:
        found.append(_own(options))
    elif any(value is not None for value in own):
        raise OptionError("--retry and --retries go with --interval", "add --interval SECONDS")
    return found


def _own(options: argparse.Namespace) -> Candidate:
    """The policy of --interval, --retry, --retries and --mode, of no product."""
    retries = _OWN_RETRIES if options.retries is None else options.retries
    if retries >= 1000:
        raise OptionError("--retries: more than 1000 questions are no policy")
    mode = PolicyMode(options.mode or PolicyMode.PERIODIC)
    return candidates.plain(mode, options.interval, options.retry or _OWN_RETRY_S, retries + 1)


# --- with inputs ---


def _simulate(
    invocation: Invocation, wanted: Sequence[Candidate], diagnostics: Diagnostics
) -> ExitCode:
    options = invocation.options
    options.read_again = True
    output = opened_output(invocation)
    session = analysed(invocation, diagnostics)
    bar = ProgressBar(wanted=not options.quiet, color=options.color, ascii_only=options.ascii)
    try:
        content = content_of(session, invocation)
        simulation = _simulation(session, options, wanted)
        with bar:
            for packets in session.packets_within(simulation.windows, bar):
                simulation.feed(packets)
    except AnalyzerError as error:
        diagnostics.traceback_of(error)
        raise CommandError(ExitCode.INPUT, error.message, error.hint) from error
    finally:
        session.close()
    studies = _shown(simulation.studies(), content)
    simulated = Simulated(__version__, studies, options.target, options.hold)
    _write_simulated(simulated, content, options, output)
    return exit_code(content, diagnostics, strict=options.strict)


def _simulation(
    session: Session, options: argparse.Namespace, wanted: Sequence[Candidate]
) -> Simulation:
    cases = []
    for peer in session.peers():
        for hole in peer.black_holes:
            version = candidates.version_at(peer, hole.stop_ns)
            others = wanted or candidates.common(version)
            own = candidates.own(peer, hole)
            advised = _recommended(session, peer, hole, own, options)
            cases.append((peer, hole, [own, *others, advised]))
    return Simulation(cases, options.hold)


def _recommended(
    session: Session,
    peer: PeerView,
    hole: BlackHole,
    own: Candidate,
    options: argparse.Namespace,
) -> Candidate:
    """The cheapest policy of the sender's own product, of Cisco IOS where it is not known."""
    version = candidates.version_at(peer, hole.stop_ns)
    product = session.vendor_at(peer, hole.sender)
    return candidates.recommended(
        hole,
        candidates.advised_profile(own, product, version),
        version,
        target_s=options.target,
        budget_s=session.options.budget_s,
        hold_s=options.hold,
        mode=_mode(options),
        ride_out_s=options.ride_out or RIDE_OUT_S,
        in_force=own,
    )


def _mode(options: argparse.Namespace) -> PolicyMode | None:
    return None if options.mode is None else PolicyMode(options.mode)


def _shown(studies: Sequence[Study], content: Content) -> tuple[Study, ...]:
    """The studies with the peers as they are written: with pseudonyms, where these are wanted."""
    peers = {peer.id: peer for peer in content.peers}
    shown = []
    for study in studies:
        peer = peers.get(study.peer.id, study.peer)
        hole = next((h for h in peer.black_holes if h.id == study.hole.id), study.hole)
        results = tuple(
            replace(
                r, candidate=replace(r.candidate, policy=replace(r.candidate.policy, holder=""))
            )
            for r in study.results
        )
        shown.append(replace(study, peer=peer, hole=hole, results=results))
    return tuple(shown)


def _write_simulated(
    simulated: Simulated, content: Content, options: argparse.Namespace, output: Output
) -> None:
    if options.format == "json":
        from analyzers.export.simulation_json import simulated_chunks

        output.write(simulated_chunks(simulated, ascii_only=output.ascii_requested))
    elif options.format == "markdown":
        from analyzers.export.simulation_markdown import simulated_markdown

        output.write(simulated_markdown(simulated, ascii_only=output.ascii_requested))
    else:
        from dpdlab.present.text.simulate import render_simulated

        output.write_page(
            lambda console: render_simulated(
                simulated,
                content,
                console=console,
                ascii_only=output.ascii_only,
                verbose=options.verbose,
            )
        )


# --- without inputs ---


def _plan(invocation: Invocation, wanted: Sequence[Candidate]) -> ExitCode:
    options = invocation.options
    output = Output(options.output, color=options.color, ascii_only=options.ascii)
    output.check(())
    demand = Demand(
        every_s=options.every,
        peers=options.peers or 1,
        target_s=options.target or target_s(options.budget or DEFAULT_BUDGET_S, options.hold),
        hold_s=options.hold,
        both_ends_ask=options.both_ends,
    )
    tried = list(wanted) or [*candidates.common(1), *candidates.common(2)[3:]]
    rows = tuple(
        (candidate, None if (timing := candidate.timing) is None else plan(timing, demand))
        for candidate in tried
    )
    ride_out_s = options.ride_out or RIDE_OUT_S
    recommended = tuple(
        (vendor, recommend(vendor, demand, _mode(options), ride_out_s=ride_out_s))
        for vendor in recommendable()
    )
    planned = Planned(__version__, demand, rows, recommended)
    if options.format == "json":
        from analyzers.export.simulation_json import planned_chunks

        output.write(planned_chunks(planned, ascii_only=output.ascii_requested))
    elif options.format == "markdown":
        from analyzers.export.simulation_markdown import planned_markdown

        output.write(planned_markdown(planned, ascii_only=output.ascii_requested))
    else:
        from dpdlab.present.text.plan import render_planned

        output.write_page(
            lambda console: render_planned(
                planned, console=console, ascii_only=output.ascii_only, verbose=options.verbose
            )
        )
    return ExitCode.OK
