// Text of strangers that would like to be more than text.

import { message, pcap } from '../pcap.mjs';

export const words = ['<script>document.title="owned"</script>', '"><img src=x onerror=alert(1)>', '</script><script>alert(1)</script>', '<!--<script>', ']]>', "' onload='alert(1)",
  'javascript:alert(1)', '</style><style>*{display:none}', '{{data}}{{script}}', '\\u003cscript\\u003e', '&lt;b&gt;', 'a\u202eb\u2066c', '\u001b[31mred', '</text></svg><script>alert(1)</script>', `Agent ${'x'.repeat(50_000)}`];

// hostileCapture returns a capture with these words in every field of calls and registrations.
export function hostileCapture() {
  const texts = words.flatMap((w, i) => {
    const id = `${w.replace(/\s/g, '').slice(0, 300)}-${i}`;
    const body = `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=${w.slice(0, 999)}\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 ${w.slice(0, 99).replace(/\s/g, '')}/8000\r\n`;
    const o = { id, from: w.slice(0, 999), to: w.slice(0, 999), more: [`User-Agent: ${w}`, `Subject: ${w.slice(0, 999)}`, 'Content-Type: application/sdp'], body };
    const at = i * 10;
    return [
      { text: message(`INVITE sip:${w.replace(/\s/g, '').slice(0, 999)}@192.0.2.2 SIP/2.0`, o), at },
      { text: message(`SIP/2.0 499 ${w.slice(0, 999)}`, { ...o, toTag: 't', more: [`Reason: ${w.slice(0, 999)}`, `Server: ${w.slice(0, 999)}`], body: '' }), back: true, at: at + 1 },
      { text: message('REGISTER sip:example.com SIP/2.0', { id: `r${i}`, method: 'REGISTER', from: w.slice(0, 999), to: w.slice(0, 999), more: [`Contact: <sip:${w.slice(0, 999)}@192.0.2.1>`, `User-Agent: ${w}`] }), at: at + 2 },
    ];
  });
  return pcap(texts);
}
