// The parser of Mermaid over every call of the captures of this project and, where
// SIPSIGHT_SHARED names them, of shared captures and torture messages; and over messages
// that are full of Mermaid's own words.
//
// SIPSIGHT_BIN names the binary; without it one is built.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { JSDOM } from 'jsdom';
import { pcap } from '../pcap.mjs';

const here = path.dirname(new URL(import.meta.url).pathname);
const root = path.resolve(here, '../..');
const shared = process.env.SIPSIGHT_SHARED;
const captureName = /\.(pcap|pcapng|cap|snoop)(\.gz)?$/;

let dir, bin, mermaid;

before(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'sipsight-mermaid-'));
  bin = process.env.SIPSIGHT_BIN || path.join(dir, 'sipsight');
  if (!process.env.SIPSIGHT_BIN) {
    execFileSync('go', ['build', '-o', bin, './cmd/sipsight'], { cwd: root, stdio: 'inherit' });
  }
  const dom = new JSDOM('<!DOCTYPE html><body></body>'); // Mermaid cleans text with it
  globalThis.window = dom.window;
  globalThis.document = dom.window.document;
  mermaid = (await import('mermaid')).default;
  await mermaid.parse('sequenceDiagram\n'); // makes it know its diagrams
});

after(() => rmSync(dir, { recursive: true, force: true }));

// diagrams returns those of all calls of a capture.
function diagrams(file) {
  let text = '';
  try {
    text = execFileSync(bin, ['flow', '--format', 'mermaid', '--limit', '0', file], { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (e) {
    assert.ok([3, 4].includes(e.status), `${file}: exit code ${e.status}`); // damaged, or no capture
    text = e.stdout;
  }
  if (text.startsWith('sequenceDiagram')) return [text];
  const blocks = text.split('```mermaid\n').slice(1);
  return blocks.map((b) => b.slice(0, b.indexOf('\n```') + 1));
}

// check parses a diagram and returns what it holds.
async function check(text) {
  assert.ok(text.length <= 50000, `${text.length} characters`);
  const d = await mermaid.mermaidAPI.getDiagramFromText(text);
  assert.equal(d.type, 'sequence');
  const arrows = text.split('\n').filter((l) => /^ {4}P\d+(-+>+|-\))P\d+: /.test(l)).length;
  const notes = text.split('\n').filter((l) => l.startsWith('    Note over')).length;
  assert.equal(d.db.getMessages().length, arrows + notes, 'messages and notes');
  const actors = [...d.db.getActors().keys()];
  assert.deepEqual(actors, actors.map((_, i) => `P${i + 1}`));
  return { arrows, actors: actors.length, db: d.db };
}

async function checkFolder(folder) {
  let calls = 0;
  for (const name of readdirSync(folder).filter((n) => captureName.test(n))) {
    for (const text of diagrams(path.join(folder, name))) {
      try {
        await check(text);
      } catch (e) {
        throw new Error(`${name}: ${e.message}\n${text.slice(0, 2000)}`);
      }
      calls++;
    }
  }
  return calls;
}

function write(name, texts) {
  const file = path.join(dir, name);
  writeFileSync(file, pcap(texts));
  return file;
}

describe('every call is a diagram', () => {
  test('the captures of the project', async () => {
    const calls = await checkFolder(path.join(root, 'testdata/captures'));
    assert.ok(calls >= 20, `${calls} calls`);
  });

  test('shared captures', { skip: shared ? false : 'SIPSIGHT_SHARED is not set' }, async (t) => {
    const calls = await checkFolder(path.join(shared, 'captures'));
    t.diagnostic(`${calls} calls`);
    assert.ok(calls >= 100, `${calls} calls`);
  });

  test('torture messages', { skip: shared ? false : 'SIPSIGHT_SHARED is not set' }, async (t) => {
    const folder = path.join(shared, 'torture');
    const texts = readdirSync(folder).filter((n) => n.endsWith('.sip')).map((n) => readFileSync(path.join(folder, n)));
    const all = diagrams(write('torture.pcap', texts));
    for (const text of all) await check(text);
    t.diagnostic(`${all.length} calls of ${texts.length} messages`);
    assert.ok(all.length >= 5, `${all.length} calls`);
  });
});

describe('hostile text is text', () => {
  const words = ['end', 'END', 'loop', 'alt x', 'else', 'participant P9 as x', 'Note over P1: x', 'a;b', 'a#59;b', '#quot;', 'a:b', '%%{init:{}}%%',
    '```', '---', 'style a:#fff;', 'P1->>P2: x', '<script>alert(1)</script>', '<br/>', 'title x', 'accTitle: x', 'sequenceDiagram', 'wrap: x', '$$x$$', '"', "'", '\\'];

  function invite(word, i) {
    const user = encodeURIComponent(word).replace(/'/g, '%27');
    return [
      `INVITE sip:${user}@192.0.2.2 SIP/2.0`, `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKm${i}`, `From: <sip:${word.replace(/[<>]/g, '')}@example.com>;tag=f${i}`,
      `To: <sip:${word.replace(/[<>]/g, '')}@example.com>`, `Call-ID: ${word.replace(/\s/g, '')}-${i}`, `CSeq: 1 INVITE`, `Content-Type: ${word}`, `User-Agent: ${word}`, `Content-Length: 1`, '', 'x',
    ].join('\r\n');
  }

  function answer(word, i) {
    return [
      `SIP/2.0 499 ${word}`, `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKm${i}`, `From: <sip:${word.replace(/[<>]/g, '')}@example.com>;tag=f${i}`,
      `To: <sip:${word.replace(/[<>]/g, '')}@example.com>;tag=t${i}`, `Call-ID: ${word.replace(/\s/g, '')}-${i}`, `CSeq: 1 INVITE`, `Content-Length: 0`, '', '',
    ].join('\r\n');
  }

  test('words of Mermaid in every field', async () => {
    const all = diagrams(write('words.pcap', words.map(invite)));
    assert.equal(all.length, words.length);
    for (const text of all) {
      const d = await check(text);
      assert.equal(d.arrows, 1);
    }
  });

  test('the text is there after all', async () => {
    const texts = words.flatMap((w, i) => {
      return [invite(w, i), { text: answer(w, i), back: true }];
    });
    const all = diagrams(write('phrases.pcap', texts));
    const seen = [];
    for (const text of all) {
      const d = await check(text);
      for (const m of d.db.getMessages()) seen.push(decode(m.message ?? ''));
    }
    for (const w of words) assert.ok(seen.some((s) => s.includes(w)), `${w} is not in ${JSON.stringify(seen.filter((s) => s.includes('499')))}`);
  });
});

// decode undoes entities, in the form that the parser keeps them in.
function decode(s) {
  return s.replace(/(?:ﬂ°°|&#|#)(\d+)(?:¶ß|;)/g, (_, n) => String.fromCodePoint(Number(n)));
}
