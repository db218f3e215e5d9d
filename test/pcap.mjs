// Captures for tests: datagrams between two hosts.

// pcap returns a capture with each text as a datagram of its own, a second apart. A text
// may be an object: text, back (from the second host to the first), at (seconds).
export function pcap(texts) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262144, 16);
  head.writeUInt32LE(101, 20); // raw IP
  return Buffer.concat([head, ...texts.flatMap((t, i) => datagram(t.text === undefined ? { text: t } : t, i))]);
}

function datagram({ text, back = false, at }, i) {
  const payload = Buffer.from(text);
  const record = Buffer.alloc(16), ip = Buffer.alloc(20), udp = Buffer.alloc(8);
  const length = 28 + payload.length;
  record.writeUInt32LE(1772366400 + Math.floor(at ?? i), 0);
  record.writeUInt32LE(Math.round(((at ?? i) % 1) * 1e6), 4);
  record.writeUInt32LE(length, 8);
  record.writeUInt32LE(length, 12);
  ip[0] = 0x45;
  ip.writeUInt16BE(length, 2);
  ip.writeUInt16BE(i & 0xffff, 4);
  ip.set([64, 17], 8);
  ip.set([192, 0, 2, back ? 2 : 1], 12);
  ip.set([192, 0, 2, back ? 1 : 2], 16);
  udp.writeUInt16BE(5060, 0);
  udp.writeUInt16BE(5060, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  return [record, ip, udp, payload];
}

// message writes a message of a call.
export function message(start, { id, method = 'INVITE', toTag = '', from = 'alice', to = 'bob', fromTag = `f${id}`, cseq = 1, more = [], body = '' }) {
  return [start, `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${id}${cseq > 1 ? `-${cseq}` : ''}`, `From: <sip:${from}@example.com>;tag=${fromTag}`, `To: <sip:${to}@example.com>${toTag && `;tag=${toTag}`}`,
    `Call-ID: ${id}`, `CSeq: ${cseq} ${method}`, ...more, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}
