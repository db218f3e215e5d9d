#!/usr/bin/env python3
"""Remove from a pcapng file the options that describe the recording machine.

usage: strip_host.py FILE.pcapng

dumpcap writes the processor (shb_hardware), the kernel (shb_os and if_os) into its block headers.
They have no use in a test capture. Everything else stays byte for byte.
"""
import struct
import sys

DROP = {0x0A0D0D0A: (16, {2, 3}), 1: (8, {12})}  # block type: (start of the options in the body, option codes)


def strip(body, start, codes, order):
    out, at = body[:start], start
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        end = at + 4 + (size + 3) // 4 * 4
        if code not in codes:
            out += body[at:end]
        at = end
        if code == 0:
            break
    return out


def main(path):
    data = open(path, "rb").read()
    out, at, order = b"", 0, "<"
    while at < len(data):
        kind = struct.unpack_from(order + "I", data, at)[0]
        if kind == 0x0A0D0D0A:
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        size = struct.unpack_from(order + "I", data, at + 4)[0]
        body = data[at + 8 : at + size - 4]
        if kind in DROP:
            body = strip(body, *DROP[kind], order)
        length = struct.pack(order + "I", len(body) + 12)
        out += data[at : at + 4] + length + body + length
        at += size
    open(path, "wb").write(out)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
