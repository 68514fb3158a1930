"""Outputs in the layouts of the vendors, with values of our own."""
# ruff: noqa: E501 - outputs are as wide as they are

from __future__ import annotations

from textwrap import dedent

ISAKMP_SA = dedent(
    """\
    IPv4 Crypto ISAKMP SA
    dst             src             state          conn-id status
    198.51.100.7    192.0.2.1       QM_IDLE           1007 ACTIVE
    192.0.2.1       203.0.113.9     MM_NO_STATE       1006 ACTIVE (deleted)

    IPv6 Crypto ISAKMP SA

     dst: 2001:DB8:7::1
     src: 2001:DB8::1
     state: QM_IDLE         conn-id:   1005 status: ACTIVE
    """
)

ISAKMP_SA_DETAIL = dedent(
    """\
    Codes: C - IKE configuration mode, D - Dead Peer Detection
           K - Keepalives, N - NAT-traversal
           T - cTCP encapsulation, X - IKE Extended Authentication
           psk - Preshared key, rsig - RSA signature
           renc - RSA encryption
    IPv4 Crypto ISAKMP SA

    C-id  Local           Remote          I-VRF  Status Encr Hash   Auth DH Lifetime Cap.

    1007  192.0.2.1       198.51.100.7           ACTIVE aes  sha256 psk  14 23:12:09 DN
           Engine-id:Conn-id =  SW:7

    1006  192.0.2.1       203.0.113.9     red    ACTIVE 3des sha    rsig 2  02:00:01 K
           Engine-id:Conn-id =  SW:6

    1004  192.0.2.1       203.0.113.77           ACTIVE aes  sha    psk  5  00:00:59
           Engine-id:Conn-id =  SW:4

    IPv6 Crypto ISAKMP SA

    """
)

IOS_IKEV2_SA_DETAIL = dedent(
    """\
     IPv4 Crypto IKEv2  SA

    Tunnel-id Local                 Remote                fvrf/ivrf            Status
    3         192.0.2.1/4500        198.51.100.7/4500     none/red             READY
          Encr: AES-CBC, keysize: 256, PRF: SHA512, Hash: SHA512, DH Grp:19, Auth sign: PSK, Auth verify: PSK
          Life/Active Time: 86400/1234 sec
          CE id: 1002, Session-id: 2
          Status Description: Negotiation done
          Local spi: 0A1B2C3D4E5F6071       Remote spi: 8192A3B4C5D6E7F8
          Local id: hub.example.net
          Remote id: spoke.example.net
          Local req msg id:  41             Remote req msg id:  12
          Local next msg id: 41             Remote next msg id: 12
          Local req queued:  41             Remote req queued:  12
          Local window:      5              Remote window:      5
          DPD configured for 10 seconds, retry 2
          Fragmentation not  configured.
          Extended Authentication not configured.
          NAT-T is detected  inside
          Cisco Trust Security SGT is disabled
          Initiator of SA : No

    Tunnel-id Local                 Remote                fvrf/ivrf            Status
    4         192.0.2.1/500         203.0.113.9/500       none/none            READY
          Encr: AES-GCM, keysize: 128, PRF: SHA256, Hash: None, DH Grp:14, Auth sign: PSK, Auth verify: PSK
          Life/Active Time: 3600/60 sec
          Local spi: 1111222233334444       Remote spi: 5555666677778888
          DPD configured for 0 seconds, retry 0
          Initiator of SA : Yes

     IPv6 Crypto IKEv2  SA

    Tunnel-id    fvrf/ivrf              Status
    5          none/none             READY
    Local  2001:DB8::1/500
    Remote  2001:DB8:7::1/500
          Encr: AES-CBC, keysize: 128, PRF: SHA256, Hash: SHA256, DH Grp:14, Auth sign: PSK, Auth verify: PSK
          Life/Active Time: 86400/300 sec
    """
)

IOS_IKEV2_SESSION = dedent(
    """\
     IPv4 Crypto IKEv2 Session

    Session-id:2, Status:UP-ACTIVE, IKE count:1, CHILD count:1

    Tunnel-id Local                 Remote                fvrf/ivrf            Status
    3         192.0.2.1/500         198.51.100.7/500      none/none            READY
          Encr: AES-CBC, keysize: 256, PRF: SHA512, Hash: SHA512, DH Grp:19, Auth sign: PSK, Auth verify: PSK
          Life/Active Time: 86400/52 sec
    Child sa: local selector  10.1.0.0/0 - 10.1.0.255/65535
              remote selector 10.7.0.0/0 - 10.7.0.255/65535
              ESP spi in/out: 0xA6FDEB3/0x25DA684C

     IPv6 Crypto IKEv2 Session

    """
)


def crypto_session(inbound: int = 668, outbound: int = 477, life_s: int = 1437) -> str:
    return dedent(
        f"""\
        Crypto session current status

        Code: C - IKE Configuration mode, D - Dead Peer Detection
        K - Keepalives, N - NAT-traversal, T - cTCP encapsulation
        X - IKE Extended Authentication, F - IKE Fragmentation
        R - IKE Auto Reconnect

        Interface: Tunnel0
        Profile: SPOKES
        Uptime: 1d02h
        Session status: UP-ACTIVE
        Peer: 198.51.100.7 port 4500 fvrf: (none) ivrf: (none)
              Phase1_id: spoke.example.net
              Desc: (none)
          Session ID: 3
          IKEv2 SA: local 192.0.2.1/4500 remote 198.51.100.7/4500 Active
                  Capabilities:DN connid:3 lifetime:22:07:17
          IPSEC FLOW: permit 47 host 192.0.2.1 host 198.51.100.7
                Active SAs: 2, origin: crypto map
                Inbound:  #pkts dec'ed {inbound} drop 0 life (KB/Sec) 4607926/{life_s}
                Outbound: #pkts enc'ed {outbound} drop 3 life (KB/Sec) 4607953/{life_s}

        Interface: Tunnel0
        Session status: DOWN-NEGOTIATING
        Peer: 203.0.113.9 port 500 fvrf: (none) ivrf: (none)
              Phase1_id: (none)
              Desc: (none)
          Session ID: 0
          IKEv1 SA: local 192.0.2.1/500 remote 203.0.113.9/500 Inactive
                  Capabilities:(none) connid:1012 lifetime:0
          Session ID: 0
          IKEv1 SA: local 192.0.2.1/500 remote 203.0.113.9/500 Inactive
                  Capabilities:D connid:1013 lifetime:0
          IPSEC FLOW: permit 47 host 192.0.2.1 host 203.0.113.9
                Active SAs: 0, origin: crypto map
                Inbound:  #pkts dec'ed 0 drop 0 life (KB/Sec) 0/0
                Outbound: #pkts enc'ed 0 drop 9 life (KB/Sec) 0/0
        """
    )


def ios_ipsec_sa(
    encaps: int = 233,
    decaps: int = 117,
    *,
    inbound: str = "4A0C4498",
    outbound: str = "41DD788",
    life_s: int = 3033,
    peer: str = "198.51.100.7",
    interface: str = "Tunnel0",
) -> str:
    return dedent(
        f"""\

        interface: {interface}
            Crypto map tag: {interface}-head-0, local addr 192.0.2.1

           protected vrf: (none)
           local  ident (addr/mask/prot/port): (192.0.2.1/255.255.255.255/47/0)
           remote ident (addr/mask/prot/port): ({peer}/255.255.255.255/47/0)
           current_peer {peer} port 500
             PERMIT, flags={{origin_is_acl,}}
            #pkts encaps: {encaps}, #pkts encrypt: {encaps}, #pkts digest: {encaps}
            #pkts decaps: {decaps}, #pkts decrypt: {decaps}, #pkts verify: {decaps}
            #pkts compressed: 0, #pkts decompressed: 0
            #pkts not compressed: 0, #pkts compr. failed: 0
            #pkts not decompressed: 0, #pkts decompress failed: 0
            #send errors 3, #recv errors 1

             local crypto endpt.: 192.0.2.1, remote crypto endpt.: {peer}
             plaintext mtu 1438, path mtu 1500, ip mtu 1500, ip mtu idb Ethernet0/2
             current outbound spi: 0x{outbound}({int(outbound, 16)})
             PFS (Y/N): N, DH group: none

             inbound esp sas:
              spi: 0x{inbound}({int(inbound, 16)})
                transform: esp-256-aes esp-sha-hmac ,
                in use settings ={{Transport, }}
                conn id: 2001, flow_id: SW:1, sibling_flags 80004000, crypto map: {interface}-head-0
                sa timing: remaining key lifetime (k/sec): (4607976/{life_s})
                IV size: 16 bytes
                replay detection support: Y
                Status: ACTIVE(ACTIVE)

             inbound ah sas:

             inbound pcp sas:

             outbound esp sas:
              spi: 0x{outbound}({int(outbound, 16)})
                transform: esp-256-aes esp-sha-hmac ,
                in use settings ={{Transport, }}
                conn id: 2002, flow_id: SW:2, sibling_flags 80004000, crypto map: {interface}-head-0
                sa timing: remaining key lifetime (k/sec): (4607966/{life_s})
                IV size: 16 bytes
                replay detection support: Y
                Status: ACTIVE(ACTIVE)

             outbound ah sas:

             outbound pcp sas:
        """
    )


IOS_IPSEC_SA_DETAIL = dedent(
    """\
    interface: Tunnel1
        Crypto map tag: Tunnel1-head-0, local addr 192.0.2.1

       protected vrf: (none)
       local  ident (addr/mask/prot/port): (0.0.0.0/0.0.0.0/0/0)
       remote ident (addr/mask/prot/port): (0.0.0.0/0.0.0.0/0/0)
       current_peer 203.0.113.9 port 4500
         PERMIT, flags={origin_is_acl,}
        #pkts encaps: 8203, #pkts encrypt: 8203, #pkts digest: 8203
        #pkts decaps: 7875, #pkts decrypt: 7875, #pkts verify: 7875
        #pkts compressed: 0, #pkts decompressed: 0
        #pkts not compressed: 0, #pkts compr. failed: 0
        #pkts not decompressed: 0, #pkts decompress failed: 0
        #pkts no sa (send) 4, #pkts invalid sa (rcv) 1
        #pkts encaps failed (send) 2, #pkts decaps failed (rcv) 0
        #pkts invalid prot (recv) 0, #pkts verify failed: 5
        #pkts invalid identity (recv) 0, #pkts invalid len (rcv) 0
        #pkts replay rollover (send): 0, #pkts replay rollover (rcv) 0
        ##pkts replay failed (rcv): 7
        #pkts tagged (send): 0, #pkts untagged (rcv): 0
        #pkts not tagged (send): 0, #pkts not untagged (rcv): 0
        #pkts internal err (send): 1, #pkts internal err (recv) 0

         local crypto endpt.: 192.0.2.1, remote crypto endpt.: 203.0.113.9
         plaintext mtu 1422, path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet1
         current outbound spi: 0x8C49BBAB(2353642411)
         PFS (Y/N): Y, DH group: group16

         inbound esp sas:
          spi: 0x20C196D(34347373)
            transform: esp-256-aes esp-sha-hmac ,
            in use settings ={Tunnel UDP-Encaps, }
            conn id: 2050, flow_id: CSR:50, sibling_flags FFFFFFFF80004048, crypto map: Tunnel1-head-0
            sa timing: remaining key lifetime (k/sec): (4607990/2870)
            IV size: 16 bytes
            replay detection support: Y  replay window size: 1024
            Status: ACTIVE(ACTIVE)

         inbound ah sas:

         inbound pcp sas:

         outbound esp sas:
          spi: 0x8C49BBAB(2353642411)
            transform: esp-256-aes esp-sha-hmac ,
            in use settings ={Tunnel UDP-Encaps, }
            conn id: 2049, flow_id: CSR:49, sibling_flags FFFFFFFF80004048, crypto map: Tunnel1-head-0
            sa timing: remaining key lifetime (k/sec): (4607980/2870)
            IV size: 16 bytes
            replay detection support: Y  replay window size: 1024
            Status: ACTIVE(ACTIVE)

         outbound ah sas:

         outbound pcp sas:
    """
)


def asa_ipsec_sa(encaps: int = 1391, decaps: int = 2360) -> str:
    return dedent(
        f"""\
        interface: outside
            Crypto map tag: outside_map, seq num: 10, local addr: 192.0.2.1

              access-list to_branch extended permit ip 10.1.0.0 255.255.255.0 10.7.0.0 255.255.255.0
              Protected vrf (ivrf): Global
              local ident (addr/mask/prot/port): (10.1.0.0/255.255.255.0/0/0)
              remote ident (addr/mask/prot/port): (10.7.0.0/255.255.255.0/0/0)
              current_peer: 198.51.100.7


              #pkts encaps: {encaps}, #pkts encrypt: {encaps}, #pkts digest: {encaps}
              #pkts decaps: {decaps}, #pkts decrypt: {decaps}, #pkts verify: {decaps}
              #pkts compressed: 0, #pkts decompressed: 0
              #pkts not compressed: {encaps}, #pkts comp failed: 0, #pkts decomp failed: 0
              #pre-frag successes: 0, #pre-frag failures: 0, #fragments created: 0
              #PMTUs sent: 0, #PMTUs rcvd: 0, #decapsulated frgs needing reassembly: 0
              #TFC rcvd: 0, #TFC sent: 0
              #Valid ICMP Errors rcvd: 0, #Invalid ICMP Errors rcvd: 0
              #send errors: 2, #recv errors: 6

              local crypto endpt.: 192.0.2.1/4500, remote crypto endpt.: 198.51.100.7/4500
              path mtu 1500, ipsec overhead 82(52), media mtu 1500
              PMTU time remaining (sec): 0, DF policy: copy-df
              ICMP error validation: disabled, TFC packets: disabled
              current outbound spi: 50023DDC
              current inbound spi : 32F752FF

            inbound esp sas:
              spi: 0x32F752FF (855069439)
                 SA State: active
                 transform: esp-aes-256 esp-sha-hmac no compression
                 in use settings ={{L2L, Tunnel, NAT-T-Encaps, IKEv1, }}
                 slot: 0, conn_id: 159694848, crypto-map: outside_map
                 sa timing: remaining key lifetime (kB/sec): (2699423/25461)
                 IV size: 16 bytes
                 replay detection support: Y
                 Anti replay bitmap:
                  0xFFFFFFFF 0xFFFFFFFF
            outbound esp sas:
              spi: 0x50023DDC (1342324188)
                 SA State: active
                 transform: esp-aes-256 esp-sha-hmac no compression
                 in use settings ={{L2L, Tunnel, NAT-T-Encaps, IKEv1, }}
                 slot: 0, conn_id: 159694848, crypto-map: outside_map
                 sa timing: remaining key lifetime (kB/sec): (2699424/25461)
                 IV size: 16 bytes
                 replay detection support: Y
                 Anti replay bitmap:
                  0x00000000 0x00000001
        """
    )


ASA_ISAKMP_SA_DETAIL = dedent(
    """\

    IKEv1 SAs:

       Active SA: 2
        Rekey SA: 0 (A tunnel will report 1 Active and 1 Rekey SA during rekey)
    Total IKE SA: 2

    1   IKE Peer: 198.51.100.7
        Type    : L2L             Role    : initiator
        Rekey   : no              State   : MM_ACTIVE
        Encrypt : aes-256         Hash    : SHA
        Auth    : preshared       Lifetime: 86400
        Lifetime Remaining: 76776
    2   IKE Peer: 203.0.113.9
        Type    : L2L             Role    : responder
        Rekey   : no              State   : MM_WAIT_MSG3
        Encrypt : 3des            Hash    : MD5
        Auth    : preshared       Lifetime: 28800

    IKEv2 SAs:

    Session-id:57, Status:UP-ACTIVE, IKE count:1, CHILD count:1

    Tunnel-id                 Local                Remote     Status         Role
    1889403559          192.0.2.1/500       203.0.113.77/500      READY    INITIATOR
          Encr: AES-CBC, keysize: 256, Hash: SHA96, DH Grp:14, Auth sign: PSK, Auth verify: PSK
          Life/Active Time: 86400/352 sec
          Session-id: 57
          Status Description: Negotiation done
          Local spi: 0102030405060708       Remote spi: 1112131415161718
          DPD configured for 10 seconds, retry 2
          NAT-T is not detected
    Child sa: local selector  10.1.0.0/0 - 10.1.0.255/65535
              remote selector 10.77.0.0/0 - 10.77.0.255/65535
              ESP spi in/out: 0x2345678/0x9abcdef0
    """
)

ASA_IKEV1_SA_OLD = dedent(
    """\
    IKE Peer  Type  Dir   Rky  State      Encrypt Hash   Auth   Lifetime
    1 198.51.100.7 L2L Init No MM_Active 3des SHA preshrd 86400
    2 203.0.113.9 L2L Resp No MM_Active aes SHA preshrd 28800
    """
)


def asa_sessiondb(
    sent: int = 38888, received: int = 32412, left_s: int = 2701, duration: str = "4h:59m:59s"
) -> str:
    return dedent(
        f"""\

        Session Type: LAN-to-LAN Detailed

        Connection   : 198.51.100.7
        Index        : 19065                  IP Addr      : 198.51.100.7
        Protocol     : IKEv1 IPsec
        Encryption   : IKEv1: (1)3DES  IPsec: (1)AES256
        Hashing      : IKEv1: (1)SHA1  IPsec: (1)SHA1
        Bytes Tx     : 56006870               Bytes Rx     : 4062567
        Login Time   : 03:25:48 UTC Wed Jun 6 2018
        Duration     : {duration}
        Tunnel Zone  : 0x00000000

        IKEv1 Tunnels: 1
        IPsec Tunnels: 1

        IKEv1:
          Tunnel ID    : 19065.1
          UDP Src Port : 500                    UDP Dst Port : 500
          IKE Neg Mode : Main                   Auth Mode    : preSharedKeys
          Encryption   : 3DES                   Hashing      : SHA1
          Rekey Int (T): 86400 Seconds          Rekey Left(T): 68400 Seconds
          D/H Group    : 5
          Filter Name  :

        IPsec:
          Tunnel ID    : 19065.2
          Local Addr   : 10.1.0.0/255.255.255.0/0/0
          Remote Addr  : 10.7.0.0/255.255.255.0/0/0
          Encryption   : AES256                 Hashing      : SHA1
          Encapsulation: Tunnel
          Rekey Int (T): 3600 Seconds           Rekey Left(T): {left_s} Seconds
          Rekey Int (D): 4608000 K-Bytes        Rekey Left(D): 4607846 K-Bytes
          Idle Time Out: 30 Minutes             Idle TO Left : 30 Minutes
          Bytes Tx     : 42097723               Bytes Rx     : 2549385
          Pkts Tx      : {sent:<22} Pkts Rx      : {received}

        Connection   : 203.0.113.9
        Index        : 19066                  IP Addr      : 203.0.113.9
        Protocol     : IKEv2 IPsecOverNatT
        Encryption   : IKEv2: (1)AES256  IPsecOverNatT: (1)AES256
        Hashing      : IKEv2: (1)SHA256  IPsecOverNatT: (1)SHA256
        Bytes Tx     : 120                    Bytes Rx     : 240
        Login Time   : 05:00:00 UTC Wed Jun 6 2018
        Duration     : 0h:04m:12s

        IKEv2 Tunnels: 1
        IPsecOverNatT Tunnels: 1

        IKEv2:
          Tunnel ID    : 19066.1
          UDP Src Port : 4500                   UDP Dst Port : 4500
          Rem Auth Mode: preSharedKeys
          Loc Auth Mode: preSharedKeys
          Encryption   : AES256                 Hashing      : SHA256
          Rekey Int (T): 86400 Seconds          Rekey Left(T): 86148 Seconds
          PRF          : SHA256                 D/H Group    : 14

        IPsecOverNatT:
          Tunnel ID    : 19066.2
          Local Addr   : 10.1.0.0/255.255.255.0/0/0
          Remote Addr  : 10.9.0.0/255.255.255.0/0/0
          Encryption   : AES256                 Hashing      : SHA256
          Encapsulation: Tunnel
          Rekey Int (T): 28800 Seconds          Rekey Left(T): 28548 Seconds
          Idle Time Out: 30 Minutes             Idle TO Left : 26 Minutes
          Bytes Tx     : 120                    Bytes Rx     : 240
          Pkts Tx      : 2                      Pkts Rx      : 4

        """
    )


def swanctl_sas(
    packets_in: int = 112,
    packets_out: int = 154,
    *,
    spi_in: str = "c3a7e891",
    spi_out: str = "cf2d4180",
    used_in_s: int = 23,
    rekeying_s: int = 1384,
    age_s: int = 1842,
) -> str:
    return dedent(
        f"""\
        gw-branch: #3, ESTABLISHED, IKEv2, 0a1b2c3d4e5f6071_i* 8192a3b4c5d6e7f8_r
          local  'C=CH, O=Example, CN=hub' @ 192.0.2.1[4500]
          remote 'spoke.example.net' @ 198.51.100.7[4500]
          AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
          established {age_s}s ago, rekeying in 12453s
          active:  IKE_DPD
          net: #5, reqid 1, INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256
            installed 1842s ago, rekeying in {rekeying_s}s, expires in 2958s
            in  {spi_in}, {packets_in * 84:6} bytes, {packets_in:5} packets, {used_in_s:5}s ago
            out {spi_out}, {packets_out * 84:6} bytes, {packets_out:5} packets,     0s ago
            local  10.1.0.0/24
            remote 10.7.0.0/24 10.8.0.0/24
        old: #2, CONNECTING, IKEv1, 1111222233334444_i 0000000000000000_r*
          local  '192.0.2.1' @ 2001:db8::1[500]
          remote '%any' @ 2001:db8:7::1[500]
          queued:  QUICK_MODE
        """
    )


STATUSALL = dedent(
    """\
    Status of IKE charon daemon (strongSwan 5.9.1, Linux 5.10.0-21-amd64, x86_64):
      uptime: 3 hours, since Mar 04 11:05:22 2025
      malloc: sbrk 2703360, mmap 0, used 904912, free 1798448
      worker threads: 11 of 16 idle, 5/0/0/0 working, job queue: 0/0/0/0, scheduled: 5
      loaded plugins: charon aes sha2 pem openssl kernel-netlink resolve socket-default stroke
    Listening IP addresses:
      192.0.2.1
      2001:db8::1
    Connections:
          branch:  192.0.2.1...198.51.100.7  IKEv2, dpddelay=30s
          branch:   local:  [192.0.2.1] uses pre-shared key authentication
          branch:   remote: [198.51.100.7] uses pre-shared key authentication
          branch:   child:  10.1.0.0/24 === 10.7.0.0/24 TUNNEL, dpdaction=restart
    Routed Connections:
          branch{1}:  ROUTED, TUNNEL, reqid 1
          branch{1}:   10.1.0.0/24 === 10.7.0.0/24
    Security Associations (1 up, 0 connecting):
          branch[4]: ESTABLISHED 2 hours ago, 192.0.2.1[192.0.2.1]...198.51.100.7[198.51.100.7]
          branch[4]: IKEv2 SPIs: 0a1b2c3d4e5f6071_i 8192a3b4c5d6e7f8_r*, rekeying in 21 hours
          branch[4]: IKE proposal: AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
          branch{9}:  INSTALLED, TUNNEL, reqid 1, ESP in UDP SPIs: c760f45e_i c0f20ccc_o
          branch{9}:  AES_CBC_256/HMAC_SHA2_256_128, 120 bytes_i (2 pkts, 14s ago), 840 bytes_o (10 pkts, 1s ago), rekeying in 42 minutes
          branch{9}:   10.1.0.0/24 === 10.7.0.0/24
    """
)


def libreswan_status(traffic_in: str = "8KB", traffic_out: str = "4KB") -> str:
    return dedent(
        f"""\
        000 using kernel interface: xfrm
        000
        000 Connection list:
        000
        000 "branch": 10.1.0.0/24===192.0.2.1<192.0.2.1>[@hub]...198.51.100.7<198.51.100.7>[@spoke]===10.7.0.0/24; erouted; eroute owner: #3
        000 "branch":     oriented; my_ip=unset; their_ip=unset; my_updown=ipsec _updown;
        000 "branch":   liveness: active; dpdaction:restart; dpddelay:30s; retransmit-timeout:60s
        000 "branch":   newest IKE SA: #2; newest IPsec SA: #3; conn serial: $1;
        000
        000 Total IPsec connections: loaded 1, active 1
        000
        000 State Information: DDoS cookies not required, Accepting new IKE connections
        000 IKE SAs: total(1), half-open(0), open(0), authenticated(1), anonymous(0)
        000 IPsec SAs: total(1), authenticated(1), anonymous(0)
        000
        000 #2: "branch":4500 STATE_V2_ESTABLISHED_IKE_SA (established IKE SA); REKEY in 27980s; REPLACE in 28250s; newest; idle;
        000 #3: "branch":4500 STATE_V2_ESTABLISHED_CHILD_SA (established Child SA); LIVENESS in 20s; REKEY in 2780s; REPLACE in 3050s; newest; eroute owner; IKE SA #2; idle;
        000 #3: "branch" esp.b81df6e@198.51.100.7 esp.b9e564dc@192.0.2.1 tun.0@198.51.100.7 tun.0@192.0.2.1 Traffic: ESPin={traffic_in} ESPout={traffic_out} ESPmax=2^63B
        000
        000 Bare Shunt list:
        000
        """
    )


LIBRESWAN_STATUS_V1 = dedent(
    """\
    000 "old":   dpd: passive; action:hold; delay:0; timeout:0; nat-t: encaps:auto
    000 "new":   dpd: action:hold; delay:30; timeout:120; nat-t: force_encaps:no
    000 #7: "new":500 STATE_QUICK_I2 (sent QI2, IPsec SA established); EVENT_SA_REPLACE in 27990s; newest IPSEC; eroute owner; isakmp#6; idle;
    000 #7: "new" esp.1a2b3c4d@203.0.113.9 esp.5e6f7081@192.0.2.1 ref=0 refhim=0 Traffic: ESPin=0B ESPout=840B! ESPmax=4194303B
    000 #6: "new":500 STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE in 2590s; newest ISAKMP; lastdpd=5s(seq in:1 out:1); idle;
    """
)


LIBRESWAN_STATUS_4 = dedent(
    """\
    000 "gw": 10.1.0.0/24===192.0.2.1...198.51.100.7[@spoke]===10.2.0.0/24; erouted; eroute owner: #2
    000 "gw":   dpd: active; action:hold; delay:4s; timeout:14s
    000 #1: "gw":500 STATE_MAIN_I4 (IKE SA established); REPLACE in 28115s; newest; lastdpd=1s(seq in:9481 out:0); idle;
    000 #2: "gw":500 STATE_QUICK_I2 (IPsec SA established); REPLACE in 28013s; newest; eroute owner; ISAKMP SA #1; idle;
    """
)


def trafficstatus(count_in: int = 1008, count_out: int = 2016, since: int = 1741089922) -> str:
    return dedent(
        f"""\
        006 #3: "branch", type=ESP, add_time={since}, inBytes={count_in}, outBytes={count_out}, maxBytes=2^63B, id='@spoke'
        006 #8: "road"[2] 203.0.113.9, username=alice, type=ESP, add_time=1741090000, inBytes=0, outBytes=0, id='@road'
        """
    )


FORTIGATE_GATEWAYS = dedent(
    """\

    vd: root/0
    name: to-branch
    version: 1
    interface: port1 3
    addr: 192.0.2.1:500 -> 198.51.100.7:500
    tun_id: 198.51.100.7/::198.51.100.7
    remote_location: 0.0.0.0
    network-id: 0
    created: 142s ago
    IKE SA: created 1/2  established 1/2  time 10/10/10 ms
    IPsec SA: created 1/1  established 1/1  time 0/0/0 ms

      id/spi: 71 e412d996a3f9731b/a23fe38afa532c1b
      direction: initiator
      status: established 142-142s ago = 10ms
      proposal: aes256-sha1
      key: 00112233445566ff-00112233445566ff
      lifetime/rekey: 86400/85957
      DPD sent/recv: 00000004/0000000a

      id/spi: 72 d46c45f0f50d9ce8/fcaf35fab405c65a
      direction: responder
      status: connecting
      DPD sent/recv: 00000000/00000000

    vd: root/0
    name: v6
    version: 2
    interface: port2 4
    addr: 2001:db8::1:500 -> 2001:db8:7::1:500
    created: 592s ago
    IKE SA: created 1/1  established 1/1  time 80/80/80 ms

      id/spi: 23 93b6803bff7cff00/f89d6f9965fbf3a7
      direction: responder
      status: established 592-592s ago = 80ms
      proposal: aes256gcm
      child: no
      SK_ei: 00112233445566ff
      lifetime/rekey: 86400/85537
      DPD sent/recv: 00000000/00000000
      peer-id: branch
    """
)


def fortigate_tunnels(
    dec_packets: int = 102, enc_packets: int = 105, expire_s: int = 42254, npu_flag: str = "00"
) -> str:
    return dedent(
        f"""\
        list all ipsec tunnel in vd 0
        ------------------------------------------------------
        name=to-branch ver=1 serial=1 192.0.2.1:0->198.51.100.7:0 tun_id=198.51.100.7 tun_id6=::198.51.100.7 dst_mtu=1500 dpd-link=on weight=1
        bound_if=3 lgwy=static/1 tun=intf mode=auto/1 encap=none/552 options[0228]=npu frag-rfc  run_state=0 role=primary accept_traffic=1 overlay_id=0

        proxyid_num=1 child_num=0 refcnt=4 ilast=12 olast=2 ad=/0
        stat: rxp={dec_packets} txp={enc_packets} rxb=14064 txb=7816
        dpd: mode=on-demand on=1 idle=20000ms retry=3 count=0 seqno=4
        natt: mode=none draft=0 interval=0 remote_port=0
        proxyid=to-branch-p2 proto=0 sa=1 ref=2 serial=1 auto-negotiate
          src: 0:10.1.0.0/255.255.255.0:0
          dst: 0:10.7.0.0/255.255.255.0:0
          SA:  ref=5 options=18227 type=00 soft=0 mtu=1438 expire={expire_s}/0B replaywin=2048
               seqno=6a esn=0 replaywin_lastseq=00000067 qat=0 rekey=0 hash_search_len=1
          life: type=01 bytes=0/0 timeout=42932/43200
          dec: spi=1071b4ee esp=aes key=16 00112233445566778899aabbccddeeff
               ah=sha1 key=20 00112233445566778899aabbccddeeff00112233
          enc: spi=ec89b7e3 esp=aes key=16 00112233445566778899aabbccddeeff
               ah=sha1 key=20 00112233445566778899aabbccddeeff00112233
          dec:pkts/bytes={dec_packets}/{dec_packets * 70}, enc:pkts/bytes={enc_packets}/{enc_packets * 140}
          npu_flag={npu_flag} npu_rgwy=198.51.100.7 npu_lgwy=192.0.2.1 npu_selid=0 dec_npuid=0 enc_npuid=1
        run_tally=0
        ------------------------------------------------------
        name=spare ver=2 serial=b 192.0.2.1:0->203.0.113.9:0 tun_id=10.0.0.2 dst_mtu=0 dpd-link=on weight=1
        bound_if=10 lgwy=static/1 tun=intf mode=auto/1 encap=none/552 options[0228]=npu frag-rfc
        proxyid_num=1 child_num=0 refcnt=3 ilast=43980886 olast=43980886 ad=/0
        stat: rxp=0 txp=0 rxb=0 txb=0
        dpd: mode=off on=0 idle=20000ms retry=3 count=0 seqno=0
        natt: mode=none draft=0 interval=0 remote_port=0
        run_tally=0
        """
    )


def numbered(text: str, first: int = 1) -> list[tuple[int, str]]:
    return list(enumerate(text.splitlines(), first))
