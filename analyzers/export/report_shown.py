"""SAs that outputs of devices show, in the public report."""

from __future__ import annotations

from analyzers.export.contract import ReportRef
from analyzers.export.schema_peers import ReportShownSa
from analyzers.export.untrusted import valid_unicode
from analyzers.model.peer import ShownSa


def shown_sa(sa: ShownSa) -> ReportShownSa:
    """An SA as one output shows it."""
    return ReportShownSa(
        at_ns=sa.at_ns,
        command=valid_unicode(sa.command),
        ike_version=sa.ike_version,
        state=valid_unicode(sa.state),
        uptime_s=sa.uptime_s,
        remaining_s=sa.remaining_s,
        dpd_active=sa.dpd_active,
        dpd=None if sa.dpd is None else valid_unicode(sa.dpd),
        interval_s=sa.interval_s,
        retry_s=sa.retry_s,
        spis=list(sa.spis),
        encaps_packets=sa.encaps_packets,
        decaps_packets=sa.decaps_packets,
        ref=ReportRef(sa.ref.source, sa.ref.record),
    )
