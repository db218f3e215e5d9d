// A transfer, as a capture.

import { writeFileSync } from 'node:fs';
import { message, pcap } from '../pcap.mjs';

// transferCapture writes a call that is put on hold, and transferred without asking before,
// and returns the name of the file.
export function transferCapture(file) {
  const sdp = (direction) => ({ more: ['Content-Type: application/sdp'], body: `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=${direction}\r\n` });
  const one = { id: 'blind', from: 'alice', to: 'bob', toTag: 't' }, two = { id: 'target', from: 'alice', to: 'carol' };
  const back = { ...one, from: 'bob', to: 'alice', fromTag: 't', toTag: 'fblind' };
  const step = (at, line, o, more) => ({ text: message(line, o), at, ...more });
  writeFileSync(file, pcap([
    step(0, 'INVITE sip:bob@example.com SIP/2.0', { ...one, toTag: '', ...sdp('sendrecv') }),
    step(1, 'SIP/2.0 200 OK', { ...one, ...sdp('sendrecv') }, { back: true }),
    step(2, 'ACK sip:bob@example.com SIP/2.0', { ...one, method: 'ACK' }),
    step(5, 'INVITE sip:alice@example.com SIP/2.0', { ...back, cseq: 2, ...sdp('sendonly') }, { back: true }),
    step(6, 'SIP/2.0 200 OK', { ...back, cseq: 2, ...sdp('recvonly') }),
    step(7, 'REFER sip:alice@example.com SIP/2.0', { ...back, cseq: 3, method: 'REFER', more: ['Refer-To: <sip:carol@example.com>', 'Referred-By: <sip:bob@example.com>'] }, { back: true }),
    step(8, 'SIP/2.0 202 Accepted', { ...back, cseq: 3, method: 'REFER' }),
    step(9, 'INVITE sip:carol@example.com SIP/2.0', { ...two, ...sdp('sendrecv'), more: ['Referred-By: <sip:bob@example.com>', 'Content-Type: application/sdp'] }),
    step(10, 'SIP/2.0 200 OK', { ...two, toTag: 'c', ...sdp('sendrecv') }, { back: true }),
    step(11, 'BYE sip:alice@example.com SIP/2.0', { ...back, cseq: 4, method: 'BYE' }, { back: true }),
    step(12, 'SIP/2.0 200 OK', { ...back, cseq: 4, method: 'BYE' }),
  ]));
  return file;
}
