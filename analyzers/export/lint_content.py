"""What `lint` tells, gathered from configurations and findings: one value for every writer."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from analyzers.export.names import Names
from analyzers.export.redact import Redactor
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    ConnectionKind,
    DpdSetting,
    Retransmission,
)
from analyzers.model.finding import Finding
from analyzers.model.policy import DpdPolicy
from analyzers.model.records import Problem, Ref
from analyzers.rules.configuration.estate import UNNAMED, Estate, device_name


class LintRow(Struct, frozen=True):
    """The DPD policy of one device towards one peer."""

    connection: str
    kind: ConnectionKind | None
    """None: a setting that no connection of the configuration is under."""
    local: str | None
    remotes: tuple[str, ...]
    """In the order in which they are tried; () is any peer."""
    ike_version: int | None
    scope: str
    policy: DpdPolicy | None
    transmissions: int | None
    explicit: bool
    action: str | None
    ref: Ref


class LintDevice(Struct, frozen=True):
    """One configuration."""

    source: str
    path: str
    format: ConfigFormat
    name: str
    first_line: int
    last_line: int
    rows: tuple[LintRow, ...]
    retransmission: Retransmission | None
    problems: tuple[Problem, ...]


class LintContent(Struct, frozen=True):
    """All that a run of `lint` found."""

    version: str
    paths: dict[str, str]
    """Source id to path, as the user named it."""
    devices: tuple[LintDevice, ...]
    findings: tuple[Finding, ...]

    def place(self, ref: Ref) -> str:
        """A line as editors take it: "hub.cfg:18"."""
        return f"{self.paths.get(ref.source, ref.source)}:{ref.record}"


def gather(
    estate: Estate, findings: Sequence[Finding], paths: dict[str, str], *, version: str
) -> LintContent:
    """The content of a run; `paths` maps source ids to what the user named."""
    rows: dict[int, list[LintRow]] = {id(c): [] for c in estate.configurations}
    for usage in estate.usages:
        rows[id(usage.configuration)].append(_row(usage.connection, usage.setting))
    devices = tuple(
        LintDevice(
            source=configuration.source,
            path=paths.get(configuration.source, configuration.source),
            format=configuration.format,
            name=_name(configuration, paths),
            first_line=configuration.first_line,
            last_line=configuration.last_line,
            rows=tuple(rows[id(configuration)] or map(_bare_row, configuration.dpd)),
            retransmission=configuration.retransmission,
            problems=configuration.problems,
        )
        for configuration in estate.configurations
    )
    return LintContent(version, paths, devices, tuple(findings))


def _name(configuration: Configuration, paths: dict[str, str]) -> str:
    name = device_name(configuration)
    return paths.get(configuration.source, name) if name == UNNAMED else name


def _row(connection: Connection, setting: DpdSetting | None) -> LintRow:
    return LintRow(
        connection=connection.name,
        kind=connection.kind,
        local=connection.local,
        remotes=tuple(remote.address for remote in connection.remotes),
        ike_version=connection.ike_version,
        scope="" if setting is None else setting.scope,
        policy=None if setting is None else setting.policy,
        transmissions=None if setting is None else setting.transmissions,
        explicit=setting is not None and setting.explicit,
        action=None if setting is None else setting.action,
        ref=connection.ref if setting is None else setting.ref,
    )


def _bare_row(setting: DpdSetting) -> LintRow:
    return LintRow(
        connection="",
        kind=None,
        local=setting.local,
        remotes=setting.peers,
        ike_version=setting.ike_version,
        scope=setting.scope,
        policy=setting.policy,
        transmissions=setting.transmissions,
        explicit=setting.explicit,
        action=setting.action,
        ref=setting.ref,
    )


# --- pseudonyms ---


def redacted_lint(content: LintContent) -> LintContent:
    """The content with pseudonyms for addresses, files, devices, and connections."""
    return _Pseudonyms(content).content()


class _Pseudonyms:
    """Names that configurations give are told as what they are of, with a number."""

    def __init__(self, content: LintContent) -> None:
        self._content = content
        self._redactor = Redactor()
        self._files = {
            path: self._redactor.path(path, pseudonym=source)
            for source, path in content.paths.items()
        }
        # A path in the place of a name gets the pseudonym that it has everywhere.
        rows = [row for device in content.devices for row in device.rows]
        self._names = Names(
            (d.name for d in content.devices if d.name != d.path),
            (word for row in rows for word in (row.connection, row.scope)),
        )

    def content(self) -> LintContent:
        """Everything with pseudonyms."""
        content = self._content
        return replace(
            content,
            paths={source: self._files[path] for source, path in content.paths.items()},
            devices=tuple(self._device(device) for device in content.devices),
            findings=tuple(self._finding(finding) for finding in content.findings),
        )

    def _text(self, text: str) -> str:
        return self._redactor.text(self._names.text(text))

    def _device(self, device: LintDevice) -> LintDevice:
        return replace(
            device,
            path=self._files.get(device.path, device.path),
            name=self._name(device),
            rows=tuple(self._row(row) for row in device.rows),
            problems=tuple(replace(p, detail=self._text(p.detail)) for p in device.problems),
        )

    def _name(self, device: LintDevice) -> str:
        if device.name == device.path:
            return self._files.get(device.path, device.path)
        return self._names.get(device.name) or self._redactor.address(device.name)

    def _row(self, row: LintRow) -> LintRow:
        return replace(
            row,
            connection=self._text(row.connection),
            local=None if row.local is None else self._redactor.address(row.local),
            remotes=tuple(self._redactor.address(remote) for remote in row.remotes),
            scope=self._text(row.scope),
            policy=None if row.policy is None else self._policy(row.policy),
        )

    def _policy(self, policy: DpdPolicy) -> DpdPolicy:
        return replace(
            policy, holder=self._text(policy.holder), evidence=self._text(policy.evidence)
        )

    def _finding(self, finding: Finding) -> Finding:
        return replace(
            finding,
            title=self._text(finding.title),
            detail=self._text(finding.detail),
            remedy=self._text(finding.remedy),
        )
