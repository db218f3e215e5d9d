#!/usr/bin/env python3
"""Write expected.json: what tshark finds in each capture of a folder.

usage: make_expected.py [FOLDER]      (default: ../captures next to this script)

Needs tshark and capinfos. A SIP message counts where tshark dissects one, also when a packet or a reassembled
TCP stretch holds several. A message quoted in an ICMP error is none, nor is a message/sipfrag body.
"""
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

OPTIONS = [
    "-o", "tcp.desegment_tcp_streams:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE",
    "-o", "sip.desegment_headers:TRUE", "-o", "sip.desegment_body:TRUE",
    "-o", "ip.defragment:TRUE", "-o", "ipv6.defragment:TRUE",
    "--enable-heuristic", "sip_udp", "--enable-heuristic", "sip_tcp",
]  # fmt: skip
LINK_TYPES = {"1": 1, "25": 113, "210": 276}  # tshark's frame.encap_type: Ethernet, Linux cooked v1, v2

WHAT = {
    "any-cooked1": "Two cancelled calls, recorded on the any interface with Linux cooked headers, version 1.",
    "any-cooked2": "Two answered calls, recorded on the any interface with Linux cooked headers, version 2.",
    "baresip-call": "Two baresip telephones register at Kamailio and talk for some 2.5 s, with RTP and RTCP both ways (PCMU).",
    "compact-and-folded": "Two calls in legal but unusual spelling: compact names, folded lines, lists of Vias, spaces before colons, an empty reason phrase.",
    "ipv6-call": "Two answered calls over UDP and IPv6.",
    "ipv6-fragments": "Two calls over IPv6 whose 3 kB INVITEs are fragmented (MTU 1280).",
    "ipv6-tcp": "Four answered calls over TCP and IPv6, one connection each.",
    "long-headers": "One call whose INVITE has about 7 kB of headers.",
    "media-fax": "A call that changes over from audio to T.38, with UDPTL both ways, then one whose change is refused with 488.",
    "media-hold": "A call that is put on hold and taken back, with RTP (G.729) both ways before and after, and one way while it is held.",
    "media-impaired": "A call whose RTP (G.729) to the called side is lost, reordered and delayed by a relay.",
    "media-one-way": "A call in which nobody sends RTP, then one in which the called side hears nothing.",
    "nanosecond": "Two answered calls in a pcap file with nanosecond time stamps.",
    "options-keepalive": "OPTIONS answered by Kamailio, with line-end keepalives between them: datagrams of four bytes over UDP, ping and pong over TCP.",
    "other-methods": "PRACK, UPDATE, INFO and REFER with NOTIFY in one dialog, then SUBSCRIBE with NOTIFY, MESSAGE and a refused PUBLISH.",
    "proxy-call": "A registration and two overlapping calls through Kamailio, which records the route: both hops of each call.",
    "register-digest": "Registrations at Kamailio with digest: accepted, removed again, wrong password (401 again), unknown user (403).",
    "retransmission": "An INVITE sent three times until a late answer, a 200 sent three times until a late ACK, an INVITE to a closed port with ICMP errors.",
    "snaplen-cut": "Two answered calls of which only 280 bytes of each packet were kept: no message is whole.",
    "tcp-calls": "24 overlapping calls on one TCP connection, several messages in some segments and messages split between segments.",
    "tcp-segmented": "Six calls on one TCP connection with an MTU of 600 bytes: each 3 kB INVITE takes several segments.",
    "udp-call": "Three answered calls from Alice to Bob over UDP, talk time 2 to 3 s.",
    "udp-failures": "Calls that end with 404, 486 (twice) and 503, a cancelled one, and one that is challenged with 407, put on hold and resumed.",
    "udp-fragments": "Three calls whose 3 kB INVITEs are IPv4 fragments (MTU 1500).",
}


def run(*args):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def field(proto, name):
    for f in proto.iter("field"):
        if f.get("name") == name:
            return f.get("show")
    return None


def examine(path):
    kind = run("capinfos", "-t", str(path)).decode()
    rows = run("tshark", "-r", str(path), "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.encap_type",
               "-e", "frame.len", "-e", "frame.cap_len").decode().split("\n")  # fmt: skip
    rows = [r.split("\t") for r in rows if r]
    methods, statuses, transports, calls = Counter(), Counter(), Counter(), set()
    root = ET.fromstring(run("tshark", "-r", str(path), *OPTIONS, "-Y", "sip", "-T", "pdml"))
    for packet in root.iter("packet"):
        below = None
        for proto in packet.iter("proto"):
            name = proto.get("name")
            if name in ("icmp", "icmpv6"):
                break
            if name in ("udp", "tcp"):
                below = name.upper()
            if name != "sip":
                continue
            method, status = field(proto, "sip.Method"), field(proto, "sip.Status-Code")
            if (method is None) == (status is None):
                continue  # the rest of a message whose start is elsewhere, or no message
            transports[below] += 1
            if method:
                methods[method] += 1
            else:
                statuses[status] += 1
            call = field(proto, "sip.Call-ID")
            if call:
                calls.add(call)
    requests, responses = sum(methods.values()), sum(statuses.values())
    facts = {
        "format": "pcapng" if "pcapng" in kind else "pcap",
        "nanosecond": "nanosecond" in kind or any(not re.search("000$", r[0]) for r in rows),
        "packets": len(rows),
        "cut_packets": sum(r[2] != r[3] for r in rows),
        "first_time": rows[0][0],
        "last_time": rows[-1][0],
        "link_types": sorted({LINK_TYPES[r[1]] for r in rows}),
        "messages": requests + responses,
        "requests": requests,
        "responses": responses,
        "methods": dict(sorted(methods.items())),
        "statuses": dict(sorted(statuses.items())),
        "call_ids": len(calls),
        "transports": dict(sorted(transports.items())),
        "what": WHAT[path.stem],
    }
    return facts


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "captures"
    files = sorted(p for p in folder.iterdir() if p.suffix in (".pcap", ".pcapng"))
    facts = {p.name: examine(p) for p in files}
    lines = json.dumps(facts, indent=2, ensure_ascii=False)
    # short objects and lists on one line each
    lines = re.sub(r"([\[{])\n\s+([^\[\]{}]*?)\n\s+([\]}])",
                   lambda m: m[0] if '"what"' in m[0] else m[1] + re.sub(r"\n\s+", " ", m[2]) + m[3], lines)  # fmt: skip
    (folder / "expected.json").write_text(lines + "\n", encoding="utf-8")
    for name, f in facts.items():
        print(f"{name:28} {(folder / name).stat().st_size:7} bytes {f['packets']:5} packets {f['messages']:4} messages")


if __name__ == "__main__":
    main()
