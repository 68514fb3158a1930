"""`dpdlab live` without the console: facts as they become final, and a report at the end."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from analyzers.errors import AnalyzerError, OptionError
from analyzers.export.content import Content
from analyzers.export.jsonl_writer import (
    live_lines,
    problem_line,
    question_line,
    source_lines,
    until_line,
)
from analyzers.export.selections import Selector
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo
from analyzers.session.expectations import Expectation
from analyzers.session.live import LiveSession
from analyzers.session.live_facts import SETTLES_NS, Change, Fact, FactLog
from analyzers.session.live_problems import ProblemLog
from analyzers.sources.feed import LiveSource, SourceState
from analyzers.sources.tshark_live import TsharkSource
from dpdlab import __version__
from dpdlab.cli import filtering, live_console, live_devices, live_metrics, live_sources, live_usage
from dpdlab.cli.analysis import session_options, settings_of
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import PROGRAM, CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.live_ending import in_vain, judged, nothing_read, tell_saved
from dpdlab.cli.live_news import SourceNews
from dpdlab.cli.live_output import LiveOutput, opened
from dpdlab.cli.live_questions import QuestionNews
from dpdlab.cli.live_unread import UnreadNews
from dpdlab.cli.output import Output
from dpdlab.present.live_lines import FactLines, expected, unread
from dpdlab.present.pace import WAIT_S, Pace
from dpdlab.present.safe import safe
from dpdlab.present.whole import whole

if TYPE_CHECKING:
    from analyzers.session.driver import Session
    from dpdlab.present.filter import Filter

_QUIET_S: Final = 0.25
_JUDGE_EVERY_S: Final = 2.0
_JUDGE_REST: Final = 2
_BEGIN_S: Final = 5.0
_LOOK_OUT_EVERY_S: Final = 0.2
# By then the peers that are in use have been seen.
_PEERS_COME_NS: Final = 10_000_000_000
_LEAST_SETTLING_NS: Final = 30_000_000
# An answer may stand in a line that is held back for as long as it may go on.
_LINES_COME_NS: Final = 200_000_000
_RIGHTS: Final = ("permission", "not permitted", "privilege")
_NEED_RULES: Final = ("sev", "rule")


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Watch until the end, then report.

    Raises:
        CommandError: a source, an option or the output cannot be used.
    """
    options = invocation.options
    chosen = live_usage.checked(options, invocation.words)
    output = Output(None, color=options.color, ascii_only=options.ascii)
    options.until = None
    try:
        own = settings_of(options)
        settings = session_options(options, own)
        found = live_sources.configurations(invocation.words)
        options.port = list(settings.ports)
        sources = live_sources.live_sources(options)
        store = live_sources.live_store(options, sources)
        session = LiveSession(
            sources,
            settings,
            store=store,
            log_store=live_sources.log_store(options, sources),
            configurations=found,
            paths=live_sources.configuration_paths(invocation.words),
            keep_lines=chosen is None and live_console.is_wanted(options),
        )
    except AnalyzerError as error:
        code = ExitCode.USAGE if isinstance(error, OptionError) else ExitCode.INPUT
        raise CommandError(code, error.message, error.hint) from error
    with live_metrics.metered(options, diagnostics) as measure:
        live_sources.tell_filter(options, diagnostics)
        live_devices.log_in(sources, diagnostics)
        if chosen is None and live_console.is_wanted(options):
            from dpdlab.cli.console_looks import looks_of
            from dpdlab.tui import ending

            looks, wanted = looks_of(options, own), filtering.wanted(options)
            live_console.await_pipe(diagnostics)
            code, ended = live_console.watch(session, sources, looks, wanted, _now_ns, measure)
            session.end(_now_ns())
            if code is ExitCode.OK and not ending.is_hang_up(ended) and session.peers():
                _write_summary(_content(session, invocation.words), output)
            for sentence in session.unfit(session.peers()):
                diagnostics.warning(safe(sentence))
            tell_saved(session, diagnostics, now_ns=_now_ns(), keep_empty=options.write is not None)
            ending.follow(ended)
            return code
        options.format = options.format or "text"
        with opened(output, options.format, diagnostics) as lines:
            watch = _Watch(
                session, sources, lines, options, diagnostics, chosen, measure, invocation.words
            )
            try:
                with _signals(watch.stop):
                    watch.run()
                    content = watch.finish()
            finally:
                session.end(_now_ns())
            tell_saved(session, diagnostics, now_ns=_now_ns(), keep_empty=options.write is not None)
            watch.tell_until()
            if not content.peers and not content.findings:
                diagnostics.note("no IKE and no ESP was seen")
                code = nothing_read(content, sources, diagnostics)
            else:
                code = judged(watch.untold(content), options, diagnostics)
        return code if watch.has_come or options.fail_on else in_vain(code)


def _is_older_state(fact: Fact) -> bool:
    """Whether a peer is as it was before the state that was told last."""
    now, then = fact.item, fact.before
    if not (isinstance(now, PeerView) and isinstance(then, PeerView)):
        return False
    return now.states[-1].start_ns < then.states[-1].start_ns


class _Watch:
    """One session, driven and written down."""

    def __init__(
        self,
        session: LiveSession,
        sources: Sequence[LiveSource],
        output: LiveOutput,
        options: argparse.Namespace,
        diagnostics: Diagnostics,
        until: Filter | None,
        measure: live_metrics.Measure,
        configurations: Sequence[str],
    ) -> None:
        self._configurations = configurations
        self._session = session
        self._sources = sources
        self._output = output
        self._options = options
        self._diagnostics = diagnostics
        self._until = until
        self._measure = measure
        self._settles_ns = max(_LEAST_SETTLING_NS, SETTLES_NS - session.lateness_ns)
        self._facts = FactLog(self._settles_ns)
        self._problems = ProblemLog()
        self._lines_for_people = FactLines()
        self._unread = UnreadNews()
        self._finishing = False
        self._unfit_due_ns: int | None = None
        self._told_unfit: list[str] | None = None
        self._stopped = False
        self._has_come = False
        """What was waited for."""
        self._readable = True
        self._news = SourceNews(session, sources, diagnostics)
        self._questions = QuestionNews()

    def stop(self) -> None:
        """End as soon as what is at hand is done."""
        self._stopped = True

    def run(self) -> None:
        """Watch until something ends it."""
        try:
            self._session.start()
        except AnalyzerError as error:
            raise CommandError(ExitCode.INPUT, error.message, error.hint) from error
        self._begin()
        began_s = time.monotonic()
        pace, judge_due_s = Pace(_QUIET_S), began_s
        limit_s = self._options.duration
        news, look_out_s = False, began_s
        while not self._stopped and self._readable:
            if self._session.wait(pace.wait_s(time.monotonic(), news=news)):
                time.sleep(pace.gather_s(time.monotonic()))
            now_ns, now_s = _now_ns(), time.monotonic()
            news |= self._session.pump(now_ns)
            pace.taken(now_s)
            self._news.tell(now_s)
            for due_ns in (self._facts.due_ns, self._questions.due_ns):
                news |= due_ns is not None and self._session.event_ns(now_ns) >= due_ns
            if pace.is_due(now_s, news=news) or self._session.is_crowded:
                judging = self._until is not None and now_s >= judge_due_s
                worked_s = time.thread_time()
                self._look(now_ns, judging=judging)
                news = False
                ended_s = time.monotonic()
                # Waiting for a processor that others have is no work, and is not rested from.
                pace.looked(ended_s - (time.thread_time() - worked_s), ended_s)
                if judging:
                    judge_due_s = now_s + max(_JUDGE_EVERY_S, _JUDGE_REST * (ended_s - now_s))
            if limit_s is not None and now_s - began_s >= limit_s:
                self._diagnostics.note(f"ended after {limit_s:g} s")
                break
            if self._session.over:
                break
            if now_s >= look_out_s:
                # Who reads may go long before there is anything more to write.
                look_out_s = now_s + _LOOK_OUT_EVERY_S
                if not self._output.has_reader:
                    self._readable = False

    def finish(self) -> Content:
        """End the session, and write the report."""
        session, options = self._session, self._options
        session.end(_now_ns())
        self._news.tell(time.monotonic(), last=True)
        content = _content(session, self._configurations)
        content = filtering.filtered(content, options)
        # The last packets may have come after the last look.
        self._finishing = True
        self._output.finish()
        facts = self._facts.take(content.peers, session.event_ns(_now_ns()), last=True)
        self._has_come |= self._is_awaited(content) or self._was_awaited(facts)
        facts += self._facts.findings(content.findings, content.peers)
        if options.format == "text":
            # The report says how each peer was when the input ended, and that it did.
            facts = [fact for fact in facts if not _is_older_state(fact)]
        self._write(facts)
        if options.format == "jsonl":
            ascii_only = self._output.ascii_requested
            self._output.write(source_lines(content.sources, __version__, ascii_only=ascii_only))
            self._tell_problems(content.sources, _now_ns(), content.peers, last=True)
            if self._until is not None:
                self._output.write([until_line(self._until.text, has_come=self._has_come)])
        elif self._readable and content.peers:
            self._write_report(content)
        self._output.close()
        return content

    @property
    def has_come(self) -> bool:
        """Whether there was what was waited for, if anything was."""
        return self._until is None or self._has_come

    def tell_until(self) -> None:
        """Whether what was waited for has come."""
        if self._until is not None:
            come = "has come" if self._has_come else "has not come"
            self._diagnostics.note(f"ended: --until {self._until.text} {come}")

    # --- while it goes on --------------------------------------------------------------------

    def _begin(self) -> None:
        """Wait until the captures have begun, or say why they cannot."""
        deadline_s = time.monotonic() + _BEGIN_S
        while not self._stopped and time.monotonic() < deadline_s:
            states = [s.feed.status for s in self._sources if _is_ours(s)]
            failed = [status for status in states if status.state is SourceState.FAILED]
            if failed:
                said = failed[0].detail
                if self._options.capture_filter and "capture filter" in said.lower():
                    raise UsageError(f"-f {self._options.capture_filter!r}: {said}")
                if any(word in said.lower() for word in _RIGHTS):
                    hint = f"{PROGRAM} interfaces says what grants the right"
                    raise CommandError(ExitCode.MISSING, said, hint)
                hint = f"see {PROGRAM} interfaces" if self._options.interface else ""
                raise CommandError(ExitCode.INPUT, said, hint)
            if all(status.state is not SourceState.STARTING for status in states):
                return
            self._session.wait(WAIT_S)

    def _look(self, now_ns: int, *, judging: bool) -> None:
        """Write what is new; stop if it is what was waited for."""
        peers = self._session.peers_so_far(now_ns)
        self._measure(self._session, peers, now_ns)
        content = Content(version=__version__, sources=tuple(self._session.sources), peers=peers)
        shown = filtering.filtered(content, self._options).peers
        # Packets from elsewhere have the clock of that machine.
        event_ns = self._session.event_ns(now_ns)
        held = self._session.holds_lines
        self._facts.lines_settle_ns = _LINES_COME_NS if held else self._settles_ns
        facts = self._facts.take(shown, event_ns)
        self._write(facts)
        self._tell_questions(shown, event_ns)
        self._tell_unread(shown, event_ns)
        self._tell_problems(self._session.sources, now_ns)
        self._tell_unfit(peers, now_ns)
        if self._until is None:
            return
        if any(word in self._until.text for word in _NEED_RULES):
            if not judging:
                return
            content = replace(content, findings=self._session.judgement(peers).findings)
        if self._is_awaited(content) or self._was_awaited(facts):
            self._has_come = self._stopped = True

    def _was_awaited(self, facts: Sequence[Fact]) -> bool:
        """Whether what is waited for was there, and was over before the look that found it."""
        views = [fact.item for fact in facts if isinstance(fact.item, PeerView)]
        return any(self._is_awaited(Content(version=__version__, peers=(v,))) for v in views)

    def _is_awaited(self, content: Content) -> bool:
        """Whether there is what is waited for."""
        if self._until is None:
            return False
        from dpdlab.present.filter import narrowed

        found = narrowed(content, self._until)
        return bool(found.peers or found.findings)

    def _write(self, facts: Sequence[Fact]) -> None:
        if not facts or not self._readable:
            return
        self._readable = self._output.write(self._lines(facts))

    def _lines(self, facts: Sequence[Fact]) -> Iterator[str]:
        if self._options.format == "text":
            event_ns = self._session.event_ns(_now_ns())
            yield from self._lines_for_people.of(facts, event_ns)
            return
        views = [fact.peer for fact in facts if fact.peer is not None]
        selector = Selector(self._session.sources, views)
        for item in facts:
            yield from live_lines(
                item.item,
                item.peer,
                item.revision,
                selector,
                retracted=item.change is Change.RETRACTED,
                became=item.became,
                last=self._finishing,
                ascii_only=self._output.ascii_requested,
            )

    def _tell_questions(self, peers: Sequence[PeerView], now_ns: int) -> None:
        settle_ns = self._settles_ns, self._facts.lines_settle_ns
        made = [self._question(q, now_ns) for q in self._questions.take(peers, now_ns, *settle_ns)]
        if made and self._readable:
            self._readable = self._output.write(made)

    def _tell_unread(self, peers: Sequence[PeerView], now_ns: int) -> None:
        """A line for people: JSON has every message anyway."""
        if self._options.format != "text" or not self._readable:
            return
        lines = self._lines_for_people
        made = [lines.line(now_ns, unread(m), now_ns) for m in self._unread.take(peers, now_ns)]
        if made:
            self._readable = self._output.write(made)

    def _tell_problems(
        self,
        sources: Sequence[SourceInfo],
        now_ns: int,
        peers: Sequence[PeerView] = (),
        *,
        last: bool = False,
    ) -> None:
        """A line for scripts: people are told on stderr, and by the report."""
        if self._options.format != "jsonl" or not self._readable:
            return
        ascii_only = self._output.ascii_requested
        told = self._problems.take(sources, now_ns, peers, last=last)
        made = [problem_line(**one._asdict(), ascii_only=ascii_only) for one in told]
        if made:
            self._readable = self._output.write(made)

    def _tell_unfit(self, peers: Sequence[PeerView], now_ns: int) -> None:
        """What was given and fits none of the peers, once they are known."""
        if self._unfit_due_ns is None and peers:
            self._unfit_due_ns = now_ns + _PEERS_COME_NS
        if self._told_unfit is None and self._unfit_due_ns and now_ns >= self._unfit_due_ns:
            self._told_unfit = self._session.unfit(peers)
            for sentence in self._told_unfit:
                self._diagnostics.warning(safe(sentence))

    def untold(self, content: Content) -> Content:
        """The content without the sentences that were said on stderr before."""
        told = self._told_unfit or ()
        left = tuple(sentence for sentence in content.diagnosis if sentence not in told)
        return replace(content, diagnosis=left)

    def _question(self, open_question: Expectation, now_ns: int) -> str:
        if self._options.format == "text":
            said = expected(open_question, now_ns)
            return self._lines_for_people.line(now_ns, said, now_ns)
        return question_line(
            peer=open_question.peer,
            prober=open_question.prober,
            responder=open_question.responder,
            first_ns=open_question.first_ns,
            sent=open_question.sent,
            of=open_question.of,
            next_ns=open_question.next_ns,
            verdict_ns=open_question.verdict_ns,
            basis=open_question.basis,
            spacing_basis=open_question.spacing_basis,
            questionable_ns=open_question.questionable_ns,
        )

    def _write_report(self, content: Content) -> None:
        from dpdlab.present.text.report import render

        self._output.write(["\n"])
        self._output.write_page(
            lambda console: render(
                content,
                console=console,
                ascii_only=self._output.ascii_only,
                verbose=self._options.verbose,
            )
        )


def _content(live: LiveSession, configurations: Sequence[str]) -> Content:
    """What a session that has ended tells: with hindsight, where logs gain by it."""
    session: Session | LiveSession = live
    if live.forgotten or any(source.kind == "log" for source in live.sources):
        from analyzers.session.live_again import again, note_unaligned

        once_more = again(live, configurations)
        session = once_more.session or live
        if once_more.why_not:
            note_unaligned(live, once_more.why_not)
    return whole(session)


def _write_summary(content: Content, output: Output) -> None:
    """What stays on the terminal of the console."""
    from dpdlab.present.text.report import render_summary

    output.write_page(
        lambda console: render_summary(content, console=console, ascii_only=output.ascii_only)
    )


def _is_ours(source: LiveSource) -> bool:
    """Whether it begins when the session does, and not when somebody sends something."""
    return not source.remote or isinstance(source, TsharkSource)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl+C and the like end the session cleanly; a second Ctrl+C ends everything.

    Under nohup nobody is told that the terminal is closed.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        stop()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _now_ns() -> int:
    """The time: what the engine is told of it comes from here."""
    return time.time_ns()  # noqa: TID251 - live time enters here and nowhere else
