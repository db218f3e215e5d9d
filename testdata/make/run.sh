#!/usr/bin/env bash
# Makes the test captures again.
#
#   sudo ./run.sh OUTDIR            all of them, about two minutes
#   sudo ./run.sh OUTDIR NAME...    some of them, by file name without the ending
#
# Needs sipp (Debian: sip-tester), kamailio, baresip, tcpdump, dumpcap (wireshark-common), ip (iproute2), python3, and go for
# the captures with media.
# Root is needed for network namespaces: the script makes an empty one for each capture, which holds nothing but the
# loopback interface, so nothing leaves the machine and no capture holds anything but this traffic.
# Every program has a limit in calls and in seconds and stops by itself.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 1 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }

mkdir -p "$1"; out=$(cd "$1" && pwd); shift
if [ "${ALONE:-}" != yes ]; then
    [ $# -gt 0 ] || set -- udp-call udp-failures register-digest proxy-call baresip-call tcp-calls tcp-segmented ipv6-call \
        ipv6-tcp any-cooked2 any-cooked1 nanosecond snaplen-cut retransmission udp-fragments ipv6-fragments long-headers \
        compact-and-folded other-methods options-keepalive media-impaired media-one-way media-hold media-fax
    bad=0
    case " $* " in *" media-"*)
        relay=$(mktemp -d); trap 'rm -rf "$relay"' EXIT
        (cd "$here/../../test/media" && go build -o "$relay/udprelay" ./udprelay) || exit 1
        export PATH=$relay:$PATH ;;
    esac
    for name in "$@"; do ALONE=yes unshare --net bash "$here/run.sh" "$out" "$name" || bad=1; done
    exit $bad
fi
if ip -o link show up | grep -qv ' lo: '; then echo "there are other interfaces than lo: refused" >&2; exit 1; fi

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
ip link set lo up
sc=$work/scenarios; cp -r "$here/scenarios" "$sc"
bad=0
phone="Example-Deskphone/4.2.1"
soft="Example-Softphone/2.8.0"
# addresses: the proxy, and four telephones
proxy=127.0.0.10 one=127.0.0.11 two=127.0.0.12 three=127.0.0.13 four=127.0.0.14 between=127.0.0.20

say() { echo "$*" >&2; }
grown() { for _ in $(seq 60); do [ -s "$1" ] && return; sleep 0.05; done; say "no capture: $1"; bad=1; }

# record FILE [tcpdump options]: starts tcpdump, or dumpcap for a name that ends in .pcapng
record() {
    file=$out/$1; shift; rm -f "$file"
    case $file in
    *.pcapng) timeout 60 dumpcap -q -i lo -w "$file" "$@" >recorder.log 2>&1 & ;;
    *) timeout 60 tcpdump -Z root -U -B 16384 -w "$file" ${iface:--i lo} "$@" >recorder.log 2>&1 & ;;
    esac
    recorder=$!; grown "$file"; sleep 0.3
}
done_recording() {
    sleep 1.3; kill -INT $recorder 2>/dev/null; wait $recorder
    grep -Eq "^0 packets dropped by kernel|received/dropped on interface .*: [0-9]+/0 " recorder.log ||
        { say "packets lost by the recorder"; cat recorder.log >&2; bad=1; }
    case $file in *.pcapng) python3 "$here/strip_host.py" "$file" ;; esac
    chmod 644 "$file"; say "$(basename "$file"): $(stat -c %s "$file") bytes"
}

# ua SCENARIO ADDRESS PORT [sipp options]: one run of SIPp, silent, with limits. The first -key of a name counts.
ua() {
    local s=$1 a=$2 p=$3; shift 3
    timeout 50 sipp -sf "$sc/$s.xml" -i "$a" -mi "$a" -p "$p" -nostdin -timeout 45 \
        "$@" -key agent "$phone" -key domain example.com \
        -key caller alice -key name Alice -key callee bob -key gap ' ' -key tab $'\t' -key none '' </dev/null >"$work/$s.log" 2>&1
    local rc=$?
    [ "$rc" = 0 ] || { say "$s: sipp ended with $rc"; grep -E '[0-9]{6}: |--|Pause' "$work/$s.log" | head -30 >&2; bad=1; }
}
# answer SCENARIO ADDRESS PORT [options]: the same in the background, as the called side
answer() { ua "$@" -key agent "$soft" & answering=$!; sleep 0.5; }
answered() { wait $answering; }
# refuse STATUS [options]: a called side that refuses
refuse() {
    sed "s/SIP.2.0 STATUS/SIP\/2.0 $1/" "$here/scenarios/refusing-callee.xml" >"$sc/refusing-callee.xml"; shift
    answer refusing-callee $two 5060 "$@"
}

registrar_up() {
    timeout 60 kamailio -DD -E -m 24 -f "$here/kamailio.cfg" -Y "$work" -P "$work/kamailio.pid" >"$work/kamailio.log" 2>&1 &
    registrar=$!; sleep 1.5
}
registrar_down() { kill $registrar 2>/dev/null; wait $registrar; }

# hop FILE: records what passes between the relay and the called side, and makes what SIPp plays: so many packets of G.729
hop() {
    record "$1" -f "host $two"
    udprelay -play caller.pcap -ssrc 0xa1 -n 170; udprelay -play callee.pcap -ssrc 0xb2 -n 170; udprelay -play short.pcap -ssrc 0xc3 -n 25
    udprelay -play again.pcap -ssrc 0xd4 -n 25; udprelay -play fax.pcap -fax -n 60
}
# through CALLER CALLEE SECONDS [relay options]: a call through the relay, which lives for so long
through() {
    local caller=$1 callee=$2 length=$3; shift 3
    udprelay -addr $between -a $one -b $two -time "${length}s" "$@" >&2 & relaying=$!
    answer $callee $two 5060 -mp 6000 -m 1
    ua $caller $one 5060 $between:5060 -mp 6000 -m 1 -d ${pause:-3700} -cid_str 'c%p-%u@example.com'
    answered; wait $relaying
}

make_one() {
case $1 in
udp-call)
    record udp-call.pcapng
    answer callee $two 5060 -m 3 -d 1300
    for talk in 2300 2750 2050; do
        ua caller $one 5060 $two:5060 -m 1 -d $talk -cid_str 'c%p-%u@%s'; sleep 0.7
    done
    answered; done_recording ;;
udp-failures)
    record udp-failures.pcapng
    refuse '404 Not Found' -m 1 -d 200 \
        -key reason 'Q.850;cause=1;text="Unallocated (unassigned) number"' -key extra 'Warning: 399 example.com "no such user"'
    ua refused-caller $one 5060 $two:5060 -m 1 -key callee nobody; answered
    refuse '486 Busy Here' -m 2 -d 900 \
        -key reason 'Q.850;cause=17;text="User busy"' -key extra 'Retry-After: 120'
    ua refused-caller $one 5060 $two:5060 -m 2 -r 2; answered
    refuse '503 Service Unavailable' -m 1 -d 300 \
        -key reason 'Q.850;cause=38;text="Network out of order"' -key extra 'Retry-After: 30 (link down)'
    ua refused-caller $one 5060 $two:5060 -m 1 -key callee carol; answered
    answer ringing-callee $two 5060 -m 1
    ua impatient-caller $one 5060 $two:5060 -m 1 -d 1800; answered
    answer guarded-callee $two 5060 -m 1 -d 700
    ua guarded-caller $one 5060 $two:5060 -m 1 -d 900 -au alice -ap wonder-42 -auth_uri bob@example.com; answered
    done_recording ;;
register-digest)
    record register-digest.pcap; registrar_up
    ua register $one 5060 $proxy:5060 -m 1 -au alice -ap wonder-42 -auth_uri example.com
    ua come-and-go $two 5060 $proxy:5060 -m 1 -d 1000 -key caller bob -au bob -ap builder-17 -auth_uri example.com
    ua wrong-password $three 5060 $proxy:5060 -m 1 -key caller carol -au carol -ap dancer-08 -auth_uri example.com
    ua wrong-password $four 5060 $proxy:5060 -m 1 -key caller mallory -au mallory -ap guess -auth_uri example.com
    registrar_down; done_recording ;;
proxy-call)
    record proxy-call.pcapng; registrar_up
    ua register $two 5060 $proxy:5060 -m 1 -key caller bob -au bob -ap builder-17 -auth_uri example.com
    answer callee $two 5060 -m 2 -d 800
    ua caller $one 5060 $proxy:5060 -m 2 -r 1 -d 1500; answered
    registrar_down; done_recording ;;
baresip-call)
    # baresip sends RTP from an unbound socket: let it come from the address of the telephone, not from 127.0.0.1
    ip route add local $two dev lo table local src $one
    ip route add local $one dev lo table local src $two
    record baresip-call.pcapng; registrar_up
    cp -r "$here/baresip/alice" "$here/baresip/bob" "$work"
    (sleep 9 | HOME=$work timeout 20 baresip -f "$work/bob" -t 7 >"$work/bob.log" 2>&1) & b=$!; sleep 1.5
    { sleep 1; echo "/dial sip:bob@example.com"; sleep 2.6; echo "/hangup"; sleep 0.6; echo "/quit"; sleep 0.5; } |
        HOME=$work timeout 20 baresip -f "$work/alice" -t 8 >"$work/alice.log" 2>&1
    wait $b; registrar_down; done_recording ;;
tcp-calls)
    # many calls at once and small socket buffers: the stream is cut where the window ends, not between messages
    ip link set lo mtu 1500 gso_max_size 1500 gso_max_segs 1
    record tcp-calls.pcap
    answer callee $two 5060 -t t1 -buff_size 2400 -m 24 -d 20
    ua caller $one 5060 $two:5060 -t t1 -buff_size 2400 -m 24 -r 3000 -d 60; answered
    done_recording ;;
tcp-segmented)
    ip link set lo mtu 600 gso_max_size 600 gso_max_segs 1
    record tcp-segmented.pcap
    answer callee $two 5060 -t t1 -m 6 -d 200
    ua big-body-caller $one 5060 $two:5060 -t t1 -m 6 -r 5 -d 300; answered
    done_recording ;;
udp-fragments)
    ip link set lo mtu 1500; record udp-fragments.pcap
    answer callee $two 5060 -m 3 -d 200
    ua big-body-caller $one 5060 $two:5060 -m 3 -r 3 -d 300; answered
    done_recording ;;
ipv6-fragments)
    ip link set lo mtu 1280; record ipv6-fragments.pcap
    answer callee ::1 5060 -m 2 -d 200
    ua big-body-caller ::1 5070 '[::1]:5060' -m 2 -r 3 -d 300; answered
    done_recording ;;
ipv6-call)
    record ipv6-call.pcapng
    answer callee ::1 5060 -m 2 -d 500
    ua caller ::1 5070 '[::1]:5060' -m 2 -r 2 -d 1000; answered
    done_recording ;;
ipv6-tcp)
    record ipv6-tcp.pcap
    answer callee ::1 5060 -t t1 -m 4 -d 200
    ua caller ::1 5070 '[::1]:5060' -t tn -max_socket 20 -m 4 -r 4 -d 400; answered
    done_recording ;;
any-cooked2)
    iface="-i any" record any-cooked2.pcap
    answer callee $two 5060 -m 2 -d 300
    ua caller $one 5060 $two:5060 -m 2 -r 2 -d 700; answered
    done_recording ;;
any-cooked1)
    iface="-i any -y LINUX_SLL" record any-cooked1.pcap
    answer ringing-callee $two 5060 -m 2
    ua impatient-caller $one 5060 $two:5060 -m 2 -r 2 -d 700; answered
    done_recording ;;
nanosecond)
    record nanosecond.pcap --time-stamp-precision=nano
    answer callee $two 5060 -m 2 -d 300
    ua caller $one 5060 $two:5060 -m 2 -r 2 -d 700; answered
    done_recording ;;
snaplen-cut)
    record snaplen-cut.pcap -s 280
    answer callee $two 5060 -m 2 -d 300
    ua caller $one 5060 $two:5060 -m 2 -r 2 -d 700; answered
    done_recording ;;
retransmission)
    record retransmission.pcap
    # a called side that answers after 1.8 s, then a caller that confirms after 1.8 s
    answer slow-callee $two 5060 -m 1 -d 1800
    ua caller $one 5060 $two:5060 -m 1 -d 300; answered
    answer callee $two 5060 -m 1 -d 200
    ua late-ack-caller $one 5060 $two:5060 -m 1 -d 1800; answered
    # nobody at this port: the kernel answers with ICMP, SIPp goes on for four retransmissions and fails, as it should
    timeout 20 sipp -sf "$sc/caller.xml" -i $three -mi $three -p 5060 $four:5060 -m 1 -max_invite_retrans 4 -nostdin -timeout 12 -key agent "$phone" \
        -key domain example.com -key caller carol -key name Carol -key callee dave </dev/null >/dev/null 2>&1
    done_recording ;;
long-headers)
    record long-headers.pcapng
    answer callee $two 5060 -m 1 -d 200
    ua long-headers-caller $one 5060 $two:5060 -m 1 -d 300; answered
    done_recording ;;
compact-and-folded)
    record compact-and-folded.pcapng
    answer odd-callee $two 5060 -m 2 -d 200
    ua odd-caller $one 5060 $two:5060 -m 2 -r 2 -d 300 -key caller carol; answered
    done_recording ;;
other-methods)
    record other-methods.pcapng
    answer services-callee $two 5060 -m 1 -d 300
    ua services-caller $one 5060 $two:5060 -m 1 -d 300; answered
    answer presence-source $two 5060 -m 1
    ua presence-watcher $one 5060 $two:5060 -m 1; answered
    done_recording ;;
options-keepalive)
    record options-keepalive.pcapng; registrar_up
    # UDP: a datagram with two line ends before each question. cat writes a file in one piece, printf would not.
    printf '\r\n\r\n' >ends
    for i in 1 2 3; do
        cat ends >/dev/udp/$proxy/5060
        ua options $one 5060 $proxy:5060 -m 1 -base_cseq $i; sleep 0.5
    done
    # TCP: questions and double line ends on one connection; the registrar answers a double line end with a single one
    exec 7<>/dev/tcp/$proxy/5060; timeout 10 cat <&7 >/dev/null & reader=$!
    for i in 1 2 3; do
        printf '%s\r\n' 'OPTIONS sip:example.com SIP/2.0' "Via: SIP/2.0/TCP 127.0.0.1:5062;branch=z9hG4bKkeep$i;alias" \
            'Max-Forwards: 70' 'From: <sip:bob@example.com>;tag=keep' 'To: <sip:example.com>' "Call-ID: keepalive@127.0.0.1" \
            "CSeq: $i OPTIONS" "User-Agent: $soft" 'Content-Length: 0' '' >question
        cat ends >&7; sleep 0.2
        cat question >&7; sleep 0.4
    done
    sed "s/keep3/keep4/; s/CSeq: 3/CSeq: 4/" question >last; cat last ends >both; cat both >&7; sleep 0.3
    exec 7>&-; kill $reader; wait $reader
    registrar_down; done_recording ;;
media-impaired)
    hop media-impaired.pcapng
    through media-caller media-callee 6 -seed 9 -loss 0.06 -swap 0.04 -jitter 12ms
    done_recording ;;
media-one-way)
    hop media-one-way.pcapng
    through caller callee 6
    through media-caller media-callee 6 -drop
    done_recording ;;
media-hold)
    hop media-hold.pcapng
    through hold-caller hold-callee 14
    done_recording ;;
media-fax)
    hop media-fax.pcapng; pause=2000
    through fax-caller fax-callee 7
    through fax-refused-caller fax-refusing-callee 7
    done_recording ;;
*) say "unknown: $1"; bad=1 ;;
esac
}

make_one "$1"
exit $bad
