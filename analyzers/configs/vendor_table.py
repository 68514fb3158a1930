"""What each product does by default, each row with its source.

A number that no source tells is None, never a guess. An interval of None means that the product
asks nothing until it is configured.
"""

from __future__ import annotations

from typing import Final

from analyzers.configs.profiles import Timers, VendorProfile, Verdict
from analyzers.model.policy import PolicyMode

_ON_IDLE: Final = PolicyMode.ON_IDLE
_ON_DEMAND: Final = PolicyMode.ON_DEMAND
_PERIODIC: Final = PolicyMode.PERIODIC
_UNKNOWN: Final = PolicyMode.UNKNOWN

# charon.opt: retransmit_timeout, retransmit_base, retransmit_tries.
CHARON_RETRY_S: Final = 4.0
CHARON_BASE: Final = 1.8
CHARON_TRIES: Final = 5


def _charon_v1(name: str, title: str, source: str, timers: Timers) -> VendorProfile:
    return VendorProfile(
        name,
        title,
        1,
        _ON_IDLE,
        timers,
        source,
        verdict=Verdict.SINCE_PROOF,
        uncounted=1,
        retry_is_interval=True,
    )


def _charon_v2(name: str, title: str, source: str, interval_s: float | None) -> VendorProfile:
    timers = Timers(
        interval_s=interval_s, retry_s=CHARON_RETRY_S, retries=CHARON_TRIES, backoff=CHARON_BASE
    )
    return VendorProfile(name, title, 2, _ON_IDLE, timers, source, uncounted=1)


def _pluto_v2(name: str, title: str, source: str, timeout_s: float) -> VendorProfile:
    return VendorProfile(
        name,
        title,
        2,
        _ON_IDLE,
        Timers(retry_s=0.5, timeout_s=timeout_s),
        source,
        verdict=Verdict.DOUBLING,
        uncounted=1,
        slack_s=1.0,
    )


def _pluto_v1(name: str, title: str, source: str, timers: Timers) -> VendorProfile:
    return VendorProfile(
        name,
        title,
        1,
        _ON_IDLE,
        timers,
        source,
        verdict=Verdict.SINCE_PROBE,
        uncounted=1,
        retry_is_interval=True,
    )


ROWS: Final = (
    VendorProfile(
        "cisco-ios",
        "Cisco IOS and IOS XE, IKEv1",
        1,
        _ON_DEMAND,
        Timers(retry_s=2, retries=5),
        "Cisco, IPsec Dead Peer Detection Periodic Message Option: its debug has 5 transmissions",
    ),
    VendorProfile(
        "cisco-ios-ikev2",
        "Cisco IOS and IOS XE, IKEv2",
        2,
        _PERIODIC,
        Timers(retries=5),
        "M. Conran, Dead Peer Detection: five messages at the configured retry interval",
    ),
    VendorProfile(
        "cisco-asa",
        "Cisco ASA, PIX and FTD, LAN-to-LAN, IKEv1",
        1,
        _ON_IDLE,
        Timers(interval_s=10, retry_s=2, retries=3),
        "blog.williampeters.com, Dead Peer Detection on ASA: three retransmissions",
        uncounted=1,
    ),
    VendorProfile(
        "cisco-asa-remote-access",
        "Cisco ASA, remote access, IKEv1",
        1,
        _ON_IDLE,
        Timers(interval_s=300, retry_s=2, retries=3),
        "blog.williampeters.com, Dead Peer Detection on ASA",
        uncounted=1,
    ),
    VendorProfile(
        "cisco-vpn-client",
        "Cisco VPN Client",
        1,
        _ON_DEMAND,
        Timers(interval_s=10, retry_s=5),
        "networkqna.com, Cisco VPN Client DPD",
    ),
    _charon_v1(
        "strongswan-ikev1",
        "strongSwan, IKEv1",
        "strongSwan: swanctl.opt, task_manager_v1.c (the timer runs from the last proof of life)",
        Timers(timeout_s=165.061),
    ),
    _charon_v2(
        "strongswan-ikev2",
        "strongSwan, IKEv2",
        "strongSwan: swanctl.opt, charon.opt, task_manager_v2.c",
        None,
    ),
    _pluto_v1(
        "libreswan-ikev1",
        "Libreswan, IKEv1",
        "Libreswan: ikev1_dpd.c, dpddelay.xml, dpdtimeout.xml",
        Timers(),
    ),
    _pluto_v2(
        "libreswan-ikev2",
        "Libreswan up to 5.3, IKEv2",
        "Libreswan: retransmit.c, ikev2_liveness.c, pluto_constants.h",
        60.0,
    ),
    _pluto_v2(
        "libreswan-5.4-ikev2",
        "Libreswan from 5.4 on, IKEv2",
        "Libreswan: retransmit.c, pluto_constants.h since commit 05d5d47",
        30.0,
    ),
    _pluto_v1("openswan", "Openswan, IKEv1", "Openswan: docs/README.DPD", Timers(timeout_s=120.0)),
    VendorProfile(
        "fortios-ikev1",
        "FortiOS, IKEv1",
        1,
        _ON_DEMAND,
        Timers(interval_s=20, retries=3),
        "Fortinet community 192616, 260424: dpd-retrycount probes, dpd-retryinterval apart",
        retry_is_interval=True,
    ),
    VendorProfile(
        "fortios-ikev2",
        "FortiOS, IKEv2",
        2,
        _ON_DEMAND,
        Timers(interval_s=20, retry_s=3, retries=4, backoff=2),
        "Fortinet community 294932: 3, 6, 12, 24 and 48 s, not configurable",
        uncounted=1,
    ),
    VendorProfile(
        "iked",
        "OpenBSD iked, IKEv2",
        2,
        _ON_DEMAND,
        Timers(interval_s=60, retry_s=2, retries=5, backoff=2),
        "OpenIKED: iked.conf(5), ikev2.c, iked.h",
        uncounted=1,
        sampled=True,
    ),
    VendorProfile(
        "isakmpd",
        "OpenBSD isakmpd, IKEv1",
        1,
        _ON_IDLE,
        Timers(retry_s=5, retries=5),
        "OpenBSD: sbin/isakmpd/dpd.c",
    ),
    VendorProfile(
        "racoon",
        "racoon (ipsec-tools), IKEv1",
        1,
        _PERIODIC,
        Timers(retry_s=5, retries=5),
        "ipsec-tools: remoteconf.c, isakmp_inf.c",
    ),
    VendorProfile(
        "juniper-srx",
        "Juniper SRX",
        None,
        _ON_DEMAND,
        Timers(interval_s=10, retries=5),
        "Juniper, dead-peer-detection: interval and threshold; the spacing is assumed",
        retry_is_interval=True,
    ),
    VendorProfile(
        "paloalto-ikev2",
        "PAN-OS 11, IKEv2",
        2,
        _ON_IDLE,
        Timers(interval_s=5, retry_s=5, retries=10, backoff=2, limit_s=60),
        "Palo Alto Networks, PAN-OS 11.0: Set Up Tunnel Monitoring",
    ),
    VendorProfile(
        "paloalto-7.0-ikev2",
        "PAN-OS 7.0, IKEv2",
        2,
        _ON_IDLE,
        Timers(interval_s=5, retry_s=1, retries=10, backoff=2, limit_s=64),
        "Palo Alto Networks, knowledge base kA10g000000ClgcCAC",
    ),
    VendorProfile(
        "checkpoint",
        "Check Point Quantum Spark R81.10",
        None,
        _ON_IDLE,
        Timers(interval_s=10),
        "Check Point, Quantum Spark R81.10 guide: neither count nor spacing",
    ),
    VendorProfile(
        "mikrotik",
        "MikroTik RouterOS 7",
        None,
        _UNKNOWN,
        Timers(interval_s=8, retries=4),
        "the default profile in exports: 8 s, 4 failures, 32 s in all; the spacing is assumed",
        uncounted=-1,
        retry_is_interval=True,
    ),
    VendorProfile(
        "mikrotik-6",
        "MikroTik RouterOS 6",
        None,
        _UNKNOWN,
        Timers(interval_s=120, retries=5),
        "the default profile in exports: 2 m, 5 failures, 10 min in all; the spacing is assumed",
        uncounted=-1,
        retry_is_interval=True,
    ),
    VendorProfile(
        "pfsense-ikev1",
        "pfSense, IKEv1",
        1,
        _ON_IDLE,
        Timers(interval_s=10, retries=5),
        "pfSense: ipsec.inc (timeout = delay × (failures + 1)), vpn_ipsec_phase1.php",
        retry_is_interval=True,
    ),
    _charon_v2("pfsense-ikev2", "pfSense, IKEv2", "pfSense: vpn_ipsec_phase1.php; charon.opt", 10),
    _charon_v1(
        "vyos-ikev1",
        "VyOS, IKEv1",
        "VyOS: site2site_ipsec.rst",
        Timers(interval_s=30, timeout_s=120),
    ),
    _charon_v2("vyos-ikev2", "VyOS, IKEv2", "VyOS: site2site_ipsec.rst; charon.opt", 30),
    _charon_v1(
        "aws",
        "AWS Site-to-Site VPN",
        "AWS, ModifyVpnTunnelOptionsSpecification; a check every 10 s by a secondary source",
        Timers(interval_s=10, timeout_s=40),
    ),
    VendorProfile(
        "huawei",
        "Huawei",
        None,
        _ON_DEMAND,
        Timers(interval_s=30, retry_s=15, retries=3),
        "Huawei Cloud, vpn_faq_00128",
    ),
    VendorProfile(
        "comware",
        "H3C and HPE Comware",
        None,
        _ON_DEMAND,
        Timers(retry_s=5, retries=3),
        "H3C, id=34419: three requests; HPE 5200-4950",
    ),
    VendorProfile(
        "vmware-nsx",
        "VMware NSX",
        None,
        _UNKNOWN,
        Timers(interval_s=60),
        "VMware Cloud Director API: the probe interval only",
    ),
    VendorProfile(
        "stormshield",
        "Stormshield, profile High",
        None,
        _UNKNOWN,
        Timers(interval_s=30, retry_s=5, retries=3),
        "netwhat.wiki.zoho.com, DPD",
    ),
)
