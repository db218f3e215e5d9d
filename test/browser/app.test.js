// The page of draw_call_flow in Chromium, under the official AppBridge and around the real
// server: what a host of MCP Apps shows.
//
// SIPSIGHT_BIN, CHROMIUM and SIPSIGHT_SCREENSHOTS are those of browser.test.js.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { message, pcap } from '../pcap.mjs';
import { browserPath } from './chromium.mjs';
import { hostileCapture, words } from './hostile.mjs';
import { transferCapture } from './transfer.mjs';

const here = path.dirname(new URL(import.meta.url).pathname);
const root = path.resolve(here, '../..');
const shots = process.env.SIPSIGHT_SCREENSHOTS;
const executablePath = browserPath();
const skip = executablePath ? false : 'there is no Chromium; CHROMIUM names one';
const testdata = (name) => path.join(root, 'testdata/captures', name);

let dir, browser, client, html, uri, hostScript;

before(async () => {
  if (skip) return;
  dir = mkdtempSync(path.join(tmpdir(), 'sipsight-app-'));
  const bin = process.env.SIPSIGHT_BIN || path.join(dir, 'sipsight');
  if (!process.env.SIPSIGHT_BIN) execFileSync('go', ['build', '-o', bin, './cmd/sipsight'], { cwd: root, stdio: 'inherit' });
  if (shots) mkdirSync(shots, { recursive: true });
  const bundle = await build({ entryPoints: [path.join(here, 'host.mjs')], bundle: true, write: false, format: 'iife', logLevel: 'error' });
  hostScript = bundle.outputFiles[0].text;
  client = new Client({ name: 'test', version: '1' }, { capabilities: { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } } } });
  await client.connect(new StdioClientTransport({ command: bin, args: ['mcp'], stderr: 'inherit' }));
  const tool = (await client.listTools()).tools.find((t) => t.name === 'draw_call_flow');
  uri = tool._meta.ui.resourceUri;
  html = (await client.readResource({ uri })).contents[0].text;
  // A frame without an origin is a process of its own in Chromium, and a click into one that
  // was just made larger can be lost between the two: here it stays in the process of its host.
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-features=IsolateSandboxedIframes'] });
});

after(async () => {
  await browser?.close();
  await client?.close();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

// host opens the page in a host, does something there, and holds that it neither complained
// nor asked the network for anything. calls are the calls of tools that the page made.
async function host(options, work) {
  const context = await browser.newContext({ viewport: { width: 900, height: 900 } });
  const page = await context.newPage();
  const complaints = [], requests = [], calls = [];
  page.on('console', (m) => complaints.push(`${m.type()}: ${m.text()}`));
  page.on('pageerror', (e) => complaints.push(e.message));
  page.on('dialog', (d) => { complaints.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on('request', (r) => requests.push(r.url()));
  await page.exposeFunction('callTool', (params) => { calls.push(params); return client.callTool(params); });
  await page.addScriptTag({ content: hostScript });
  await page.evaluate(([h, o]) => window.startHost(h, o), [html, options]);
  const app = page.frameLocator('#app');
  await work(page, app, calls);
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests.filter((u) => !u.startsWith('about:')), []);
  await context.close();
}

// draw calls the tool as a host does, and tells the page of it.
async function draw(page, args) {
  const result = await client.callTool({ name: 'draw_call_flow', arguments: args });
  await page.evaluate(async ([a, r]) => {
    await window.bridge.sendToolInput({ arguments: a });
    await window.bridge.sendToolResult(r);
  }, [args, result]);
  return result;
}

const rows = (app) => app.locator('svg.ladder .row');

// choose clicks the message of a row. The page grows when the ladder comes and the host gives
// it room then, so it waits for both to agree; a click that went where the row no longer is
// is made again.
async function choose(page, app, row) {
  await row.waitFor();
  const height = () => app.locator(':root').evaluate((r) => Math.ceil(r.getBoundingClientRect().height));
  for (let tries = 0; ; tries++) {
    await until(page, (h) => document.getElementById('app').clientHeight === h, await height()).catch(() => {});
    await row.click();
    try {
      await row.and(app.locator('.chosen')).waitFor({ timeout: 3000 });
      return;
    } catch (e) {
      if (tries === 3) throw e;
    }
  }
}

const seen = (page) => page.evaluate(() => window.seen);

async function shoot(page, name) {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
}

// until waits for a condition of the host page.
const until = (page, condition, arg) => page.waitForFunction(condition, arg, { timeout: 5000 });

describe('the page of a call', { skip }, () => {
  test('is a resource of the tool, of some 30 KB', async () => {
    assert.equal(uri, 'ui://sipsight/call-flow.html');
    const { resources } = await client.listResources();
    const [content] = (await client.readResource({ uri })).contents;
    assert.equal(resources.find((r) => r.uri === uri).mimeType, 'text/html;profile=mcp-app');
    assert.equal(content.mimeType, 'text/html;profile=mcp-app');
    assert.deepEqual(content._meta, { ui: { prefersBorder: true } });
    assert.ok(html.length < 32_000, `${html.length} characters`);
    assert.doesNotMatch(html, /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  // What is drawn, against the texts of the same calls: a row for each message that the text
  // has, in the same columns.
  const captures = {
    'a proxy': { pcap_file: testdata('proxy-call.pcapng'), call: 'call-1' },
    'sent again': { pcap_file: testdata('retransmission.pcap'), call: 'call-1' },
    'media': { pcap_file: testdata('baresip-call.pcapng'), call: 'call-1' },
    'hold': { pcap_file: testdata('media-hold.pcapng'), call: 'call-1' },
    'a transfer, by its first call': { pcap_file: 'transfer', call: 'call-1' },
    'a transfer, by what came of it': { pcap_file: 'transfer', call: 'call-2' },
    'TCP': { pcap_file: testdata('tcp-calls.pcap'), call: 'call-2', format: 'text' },
    'IPv6': { pcap_file: testdata('ipv6-call.pcapng'), call: 'call-1' },
    'a failed call of several files': { pcap_file: testdata('udp-failures.pcapng'), more_files: [testdata('proxy-call.pcapng')], call: 'call-2' },
  };
  for (const [name, args] of Object.entries(captures)) {
    test(`handshake, result, ladder: ${name}`, () => host({}, async (page, app, calls) => {
      if (args.pcap_file === 'transfer') args.pcap_file = transferCapture(path.join(dir, 'transfer.pcap'));
      const drawn = (await draw(page, args)).content[0].text;
      await rows(app).first().waitFor();
      const frames = drawn.split('\n').map((l) => /^ *((?:\d+:)?\d+) +[\d.]+ /.exec(l)?.[1]).filter(Boolean);
      assert.ok(frames.length > 3, drawn);
      assert.deepEqual((await app.locator('.row:not(.media) .time:not(.at)').allTextContents()), frames);
      for (const column of await app.locator('svg.ladder .name').allTextContents()) assert.ok(drawn.includes(column), column);
      const labels = (await app.locator('.row .label').allTextContents()).map((l) => l.replace(/^\d+[a-z]* · /, '').replace(/…$/, '').replace(/ ?\(.*/, ''));
      const beside = await app.locator('.row .note, .row .mark').allTextContents();
      const around = await app.locator('h1 .parties, .verdict:not(.other), .marks li').allTextContents();
      const flat = drawn.replace(/\s+/g, ' '); // long notes go on in the next line
      for (const l of [...labels, ...beside, ...around]) assert.ok(drawn.includes(l) || flat.includes(l), `${l} is not in\n${drawn}`);
      for (const said of ['hold by', 'resumed by', 'transfer: call-2 comes of the REFER in frame', ', sip:']) {
        assert.equal(beside.some((b) => b.includes(said)), drawn.split('\n').some((l) => l.includes('│') && l.includes(said)), said);
      }
      assert.equal(await app.locator('.verdict.other').count(), args.call && name.startsWith('a transfer') ? 1 : 0);
      assert.equal(await app.locator('.row.media').count(), (drawn.match(/RTP /g) ?? []).length);
      assert.deepEqual(calls.map((c) => [c.name, c.arguments.detail]), [['explain_call', 'full']]);
      const s = await seen(page);
      assert.equal(s.info.name, 'sipsight');
      assert.ok(s.sizes.at(-1).height > 300, JSON.stringify(s.sizes));
      assert.equal(await page.evaluate(() => document.getElementById('app').contentDocument), null, 'the page has no origin');
    }));
  }

  test('hold, and media', () => host({}, async (page, app) => {
    await draw(page, { pcap_file: testdata('media-hold.pcapng'), call: 'call-1' });
    await rows(app).first().waitFor();
    assert.ok(await app.locator('.row .note:has-text("hold by the")').count() > 0);
    assert.ok(await app.locator('.row.media').count() > 0);
    await shoot(page, 'app-hold');
  }));

  test('a transfer: both calls, and a message of each', () => host({}, async (page, app) => {
    await draw(page, { pcap_file: transferCapture(path.join(dir, 'transfer.pcap')), call: 'call-2' });
    await rows(app).first().waitFor();
    assert.match(await app.locator('h1').textContent(), /^call-1 alice → bob {2}completed$/);
    assert.match(await app.locator('.verdict.other').textContent(), /^call-2 alice → carol {2}confirmed\. .* It came of the REFER in frame \d+ of call-1 \(/);
    assert.deepEqual(await app.locator('.legend li').allTextContents(), ['Solid lines, leg 1: blind, of call-1', 'Dotted lines, leg 2: target, of call-2']);
    await choose(page, app, app.locator('.row.leg1').first());
    await app.locator('pre:has-text("INVITE sip:carol@")').waitFor();
    const top = async (selector) => (await app.locator(selector).first().boundingBox()).y;
    assert.ok(await top('svg.ladder') < await top('pre') && await top('pre') < await top('.legend') && await top('.legend') < await top('.marks'), 'the message is next to the ladder');
    await app.locator('#save').click();
    await until(page, () => window.seen.files.length === 1);
    const text = (await seen(page)).files[0].contents[0].resource.text;
    for (const want of ['call-2  alice → carol  confirmed', 'transfer: call-2 comes of the REFER']) assert.ok(text.includes(want), want);
    await shoot(page, 'app-transfer');
  }));

  const failed = { pcap_file: testdata('udp-failures.pcapng'), call: 'call-2' };

  test('click a message, and by keyboard', () => host({}, async (page, app, calls) => {
    await draw(page, failed);
    await choose(page, app, rows(app).nth(2));
    await app.locator('pre').waitFor();
    assert.match(await app.locator('pre').textContent(), /^SIP\/2\.0 486 Busy Here\n/);
    assert.deepEqual(calls.at(-1), { name: 'search_messages', arguments: { pcap_file: failed.pcap_file, frame: 9, limit: 20 } });
    assert.match(await app.locator('#status').textContent(), /^Frame 9, 2026-11-23 .* UTC, 127\.0\.0\.12:5060 → 127\.0\.0\.11:5060$/);
    await rows(app).first().focus();
    await page.keyboard.press('Enter');
    await app.locator('pre:has-text("INVITE sip:")').waitFor();
    assert.equal(await app.locator('.row.chosen').count(), 1);
  }));

  test('explain this', () => host({}, async (page, app) => {
    await draw(page, failed);
    await app.locator('#explain').click();
    await app.locator('#status:has-text("was asked")').waitFor();
    await choose(page, app, rows(app).nth(2));
    await app.locator('#explain-message').click();
    await until(page, () => window.seen.messages.length === 2);
    const file = JSON.stringify(failed.pcap_file);
    assert.deepEqual((await seen(page)).messages, [
      { role: 'user', content: [{ type: 'text', text: `Explain call-2 in ${file}: what became of it, why, and what is to be done?` }] },
      { role: 'user', content: [{ type: 'text', text: `Explain the message in frame 9 of call-2 in ${file}: what does it say, and what does it mean for the call?` }] },
    ]);
    await page.evaluate(() => { window.refuse = true; });
    await app.locator('#explain').click();
    await app.locator('#status:has-text("did not pass the question on")').waitFor();
  }));

  test('save as SVG', () => host({}, async (page, app) => {
    await draw(page, failed);
    await choose(page, app, rows(app).nth(1));
    await app.locator('#save').click();
    await until(page, () => window.seen.files.length === 1);
    const [{ resource }] = (await seen(page)).files[0].contents;
    assert.equal(resource.mimeType, 'image/svg+xml');
    assert.equal(resource.uri, 'file:///call-2.svg');
    const file = path.join(dir, 'saved.svg');
    writeFileSync(file, resource.text);
    const alone = await browser.newPage({ colorScheme: 'light' });
    const problems = [];
    alone.on('console', (m) => problems.push(m.text()));
    await alone.goto(pathToFileURL(file).href);
    assert.deepEqual(await alone.locator('text.label').allTextContents(), await app.locator('text.label').allTextContents());
    assert.equal(await alone.evaluate(() => getComputedStyle(document.querySelector('.paper')).fill), 'rgb(255, 255, 255)');
    assert.deepEqual(await alone.locator('text.title, text.verdict').allTextContents(), ['call-2  alice → bob  failed', 'Failed after 904 ms: 486 Busy Here from 127.0.0.12:5060.']);
    assert.equal(await alone.locator('script, foreignObject, .chosen, [tabindex]').count(), 0);
    assert.deepEqual(problems, []);
    if (shots) await alone.screenshot({ path: path.join(shots, 'app-saved.png') });
    await alone.close();
  }));

  const paper = (app) => app.locator('body').evaluate((b) => getComputedStyle(b).backgroundColor);

  test('the theme is that of the host', async () => {
    for (const [theme, colour, ink] of [['dark', 'rgb(21, 24, 27)', 'rgb(230, 233, 236)'], ['light', 'rgb(255, 255, 255)', 'rgb(28, 32, 36)']]) {
      await host({ context: { theme } }, async (page, app) => {
        await draw(page, { pcap_file: testdata('retransmission.pcap'), call: 'call-1' });
        await choose(page, app, rows(app).nth(1));
        await app.locator('pre').waitFor();
        assert.equal(await paper(app), colour);
        assert.equal(await app.locator('svg.ladder text').first().evaluate((t) => getComputedStyle(t).fill), ink);
        await shoot(page, `app-${theme}`);
      });
    }
    await host({ context: { theme: 'light' } }, async (page, app) => {
      await draw(page, failed);
      await rows(app).first().waitFor();
      await page.evaluate(() => window.bridge.setHostContext({ theme: 'dark', styles: { variables: { '--color-background-primary': 'rgb(1, 2, 3)', '--font-sans': 'serif' } } }));
      await app.locator(':root[data-theme="dark"]').waitFor();
      assert.equal(await paper(app), 'rgb(1, 2, 3)');
      assert.match(await app.locator('body').evaluate((b) => getComputedStyle(b).fontFamily), /^serif/);
      assert.equal(await rows(app).count(), 4, 'the ladder stays');
    });
  });

  test('teardown', () => host({}, async (page, app) => {
    await draw(page, failed);
    await rows(app).first().waitFor();
    assert.deepEqual(await page.evaluate(() => window.bridge.teardownResource({})), {});
    const before = (await seen(page)).sizes.length;
    await page.evaluate(() => window.bridge.sendToolCancelled({}));
    await page.evaluate(() => { document.getElementById('app').style.width = '400px'; });
    await page.waitForTimeout(200);
    assert.equal((await seen(page)).sizes.length, before, 'it still tells its size');
    assert.equal(await rows(app).count(), 4, 'it still listens');
  }));

  test('what goes wrong is said', async () => {
    await host({}, async (page, app) => {
      await draw(page, { ...failed, call: 'call-99' });
      await app.locator('.alert:has-text("there is no call call-99")').waitFor();
      await page.evaluate(() => window.bridge.sendToolCancelled({ reason: 'enough' }));
      await app.locator('p:has-text("it was cancelled")').waitFor();
    });
    await host({ capabilities: {} }, async (page, app, calls) => {
      const result = await draw(page, failed);
      await app.locator('pre').waitFor();
      assert.equal(await app.locator('pre').textContent(), result.content[0].text);
      assert.equal(await app.locator('button').count(), 0);
      assert.deepEqual(calls, []);
    });
    await host({ capabilities: { serverTools: {} } }, async (page, app) => {
      await draw(page, failed);
      await rows(app).first().waitFor();
      assert.equal(await app.locator('button').count(), 0, 'buttons for what the host does not do');
    });
  });

  test('nobody but the host is listened to', () => host({}, async (page, app, calls) => {
    await draw(page, failed);
    await rows(app).first().waitFor();
    const made = calls.length;
    await page.evaluate(() => {
      const other = document.createElement('iframe');
      other.sandbox = 'allow-scripts';
      other.srcdoc = `<script>
        const post = (method, params) => parent.frames[0].postMessage({ jsonrpc: '2.0', method, params }, '*');
        post('ui/notifications/tool-input', { arguments: { pcap_file: '/etc/passwd', call: 'x' } });
        post('ui/notifications/tool-result', { content: [] });
        post('ui/notifications/tool-cancelled', {});
      </script>`;
      document.body.append(other);
      return new Promise((resolve) => { other.onload = resolve; });
    });
    await page.waitForTimeout(200);
    assert.equal(await rows(app).count(), 4);
    assert.equal(calls.length, made);
  }));

  test('the rest of a long call is a click away', async () => {
    const file = path.join(dir, 'long.pcap');
    const id = 'long', toTag = 't';
    const info = (n) => ({ text: message('INFO sip:bob@192.0.2.2 SIP/2.0', { id: `${id}`, method: 'INFO', toTag }).replace('CSeq: 1 ', `CSeq: ${n} `).replace('z9hG4bKlong', `z9hG4bK${n}`), at: 3 + n });
    writeFileSync(file, pcap([
      { text: message('INVITE sip:bob@192.0.2.2 SIP/2.0', { id }), at: 0 },
      { text: message('SIP/2.0 200 OK', { id, toTag }), back: true, at: 1 },
      { text: message('ACK sip:bob@192.0.2.2 SIP/2.0', { id, method: 'ACK', toTag }), at: 2 },
      ...Array.from({ length: 400 }, (_, i) => info(i + 2)),
    ]));
    await host({}, async (page, app) => {
      await draw(page, { pcap_file: file, call: 'call-1' });
      await rows(app).first().waitFor();
      const shown = await rows(app).count();
      assert.ok(shown > 50 && shown < 403, `${shown} rows`);
      assert.ok((await seen(page)).sizes.at(-1).height < 1000, 'the ladder scrolls');
      await choose(page, app, rows(app).nth(3));
      await app.locator('pre').waitFor();
      for (let have = shown; have < 403; have = await rows(app).count()) {
        assert.equal(await app.locator('#more button').textContent(), `Show more: ${have} of 403 arrows are shown`);
        await app.locator('#more button').click();
        await app.locator(`.row >> nth=${have}`).waitFor({ state: 'attached' });
      }
      assert.equal(await rows(app).count(), 403);
      assert.equal(await app.locator('#more button').count(), 0);
      assert.equal(await app.locator('.row.chosen').count(), 1, 'what was chosen is still');
    });
  });

  test('hostile text is text', async () => {
    const file = path.join(dir, 'hostile <b>&"\'.pcap');
    writeFileSync(file, hostileCapture());
    const { structuredContent } = await client.callTool({ name: 'list_calls', arguments: { pcap_file: file, limit: 100 } });
    assert.ok(structuredContent.total >= words.length - 2);
    await host({}, async (page, app) => {
      for (const call of structuredContent.calls) {
        await draw(page, { pcap_file: file, call: call.id });
        await app.locator(`h1:has-text("${call.id} ")`).waitFor();
        await choose(page, app, rows(app).first());
        await app.locator('pre:has-text("INVITE ")').first().waitFor();
        await app.locator('#save').click();
        await app.locator('#status:has-text("was given")').waitFor();
        await app.locator('#explain').click();
        await app.locator('#status:has-text("was asked")').waitFor();
        assert.equal(await app.locator('img, iframe, object, embed, link, form, base, foreignObject').count(), 0);
        assert.equal(await app.locator('script').count(), 1);
        assert.deepEqual(await app.locator(':root').evaluate((r) => [...r.querySelectorAll('*')].flatMap((n) => [...n.attributes]).filter((a) => a.name.startsWith('on') || a.name === 'href').map((a) => a.name)), []);
      }
      assert.equal(await app.locator(':root').evaluate(() => document.title), 'A call as a ladder');
      const { files, messages } = await seen(page);
      for (const f of files) {
        const doc = await page.evaluate((text) => {
          const d = new DOMParser().parseFromString(text, 'image/svg+xml');
          return { root: d.documentElement.tagName, odd: d.querySelectorAll('script, parsererror, foreignObject, image, a').length };
        }, f.contents[0].resource.text);
        assert.deepEqual(doc, { root: 'svg', odd: 0 });
      }
      for (const m of messages) assert.match(m.content[0].text, /^Explain call-\d+ in ".*hostile <b>&\\"'\.pcap": what became of it, why, and what is to be done\?$/);
      await shoot(page, 'app-hostile');
    });
  });
});
