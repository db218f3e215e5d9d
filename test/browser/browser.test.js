// Reports in Chromium: nothing is loaded, nothing complains, and everything a reader does
// works, by mouse and by keyboard.
//
// SIPSIGHT_BIN names the binary; without it one is built. CHROMIUM names the browser;
// without it Debian's is used, and installed where that can be done. Screenshots go to the
// folder SIPSIGHT_SCREENSHOTS, if that is set.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { message, pcap } from '../pcap.mjs';
import { browserPath } from './chromium.mjs';
import { hostileCapture, words } from './hostile.mjs';
import { transferCapture } from './transfer.mjs';

const here = path.dirname(new URL(import.meta.url).pathname);
const root = path.resolve(here, '../..');
const shots = process.env.SIPSIGHT_SCREENSHOTS;

let dir, bin, browser;

const executablePath = browserPath();
const skip = executablePath ? false : 'there is no Chromium; CHROMIUM names one';

before(async () => {
  if (skip) return;
  dir = mkdtempSync(path.join(tmpdir(), 'sipsight-browser-'));
  bin = process.env.SIPSIGHT_BIN || path.join(dir, 'sipsight');
  if (!process.env.SIPSIGHT_BIN) {
    execFileSync('go', ['build', '-o', bin, './cmd/sipsight'], { cwd: root, stdio: 'inherit' });
  }
  if (shots) mkdirSync(shots, { recursive: true });
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});

after(async () => {
  await browser?.close();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

// make runs sipsight with captures of this project and returns the file it writes.
function make(name, command, ...args) {
  const out = path.join(dir, name);
  execFileSync(bin, [command, '--force', '-o', out, ...args], { cwd: path.join(root, 'testdata/captures'), stdio: ['ignore', 'ignore', 'pipe'] });
  return out;
}

// open opens a file in a page of its own, does something there, and holds that the page
// neither complained nor asked for anything.
async function open(file, options, work) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [], requests = [];
  page.on('console', (m) => complaints.push(`${m.type()}: ${m.text()}`));
  page.on('pageerror', (e) => complaints.push(e.message));
  page.on('dialog', (d) => { complaints.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on('request', (r) => requests.push(r.url()));
  const url = pathToFileURL(file).href;
  await page.goto(url + (options.hash ?? ''));
  await work(page);
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests.map((r) => r.split('#')[0]), [url], 'requests');
  await context.close();
}

async function shoot(page, name, fullPage = true) {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage });
}

const rows = (page) => page.locator('#call-table tbody tr:not(.spacer)');
const cell = async (page, row, column) => (await rows(page).nth(row).locator('td').nth(column).textContent()) ?? '';

describe('reports of captures', { skip }, () => {
  const captures = {
    failures: ['udp-failures.pcapng'],
    proxy: ['proxy-call.pcapng'],
    tcp: ['tcp-calls.pcap'],
    again: ['retransmission.pcap'],
    registrations: ['register-digest.pcap'],
    cut: ['snaplen-cut.pcap'],
    media: ['baresip-call.pcapng'],
    impaired: ['media-impaired.pcapng', 'media-one-way.pcapng'],
    all: ['udp-failures.pcapng', 'proxy-call.pcapng', 'tcp-calls.pcap', 'retransmission.pcap', 'ipv6-call.pcapng', 'register-digest.pcap'],
  };
  for (const [name, files] of Object.entries(captures)) {
    test(`${name} opens`, async () => {
      const file = make(`${name}.html`, 'report', ...files);
      await open(file, {}, async (page) => {
        const data = await page.evaluate(() => JSON.parse(document.getElementById('data').textContent));
        const cards = await page.locator('.card').allTextContents();
        assert.ok(cards[0].startsWith(String(data.summary.messages)), cards[0]);
        assert.equal(await page.locator('.capture').count(), files.length);
        if (data.calls.length) assert.equal(await rows(page).count(), Math.min(data.calls.length, await rows(page).count()));
        for (const id of Object.keys(data.full).slice(0, 3)) {
          await page.goto(`${pathToFileURL(file).href}#call-${id}`);
          await page.waitForSelector(`#h-call:has-text("call-${id} ")`);
          assert.equal(await page.locator('svg.ladder .row').count(), data.full[id].ladder.rows.length);
          const media = data.full[id].ladder.rows.filter((r) => r.kind === 'media').length;
          assert.equal(await page.locator('.text').count(), data.full[id].ladder.rows.length - media);
          assert.equal(await page.locator('#streams tbody tr').count(), media);
        }
        assert.doesNotMatch(await page.locator('body').innerText(), /undefined|NaN|\[object/);
        await shoot(page, name);
      });
    });
  }

  // The relay lost 10 packets to the called side: testdata/README.md.
  test('loss and jitter over time', async () => {
    const file = make('course.html', 'report', 'media-impaired.pcapng');
    for (const [scheme, width] of [['light', 1280], ['dark', 1280], ['light', 400]]) {
      await open(file, { hash: '#call-1', colorScheme: scheme, viewport: { width, height: 900 } }, async (page) => {
        const charts = page.locator('#courses svg');
        await charts.first().waitFor();
        const labels = await charts.evaluateAll((list) => list.map((c) => c.getAttribute('aria-label')));
        assert.equal(labels.length, 2);
        assert.match(labels[0], /^0x000000b2 of the callee, G729: .*: no packets lost; jitter at most [\d.]+ ms, from /);
        assert.match(labels[1], /^0x000000a1 of the caller, G729: .*: 10 packets lost, most of them \(\d\) from [\d.]+ s to [\d.]+ s; jitter at most (9|9\.\d+) ms, from /);
        const points = await page.evaluate(() => JSON.parse(document.getElementById('data').textContent).full[1].courses.map((c) => c.points));
        assert.equal(await charts.nth(1).locator('rect.bad').count(), points[1].filter((p) => p[1] > 0).length);
        assert.equal(points[1].reduce((n, p) => n + p[1], 0), 10);
        assert.ok(points.every((p) => p.length <= 64));
        for (const box of [await charts.nth(1).boundingBox()]) assert.ok(box.width > 200 && box.x + box.width <= width, JSON.stringify(box));
        const number = await charts.nth(1).locator('.axis text').nth(1).evaluate((n) => { // a day of a carrier
          const [was, box] = [n.textContent, (n.textContent = '9\u2009999\u2009999', n.getBBox())];
          n.textContent = was;
          return box.x;
        });
        assert.ok(number >= 0, `a number of seven digits begins at ${number}`);
        assert.ok(await charts.nth(1).locator('path.line').evaluate((p) => getComputedStyle(p).stroke !== 'none' && p.getTotalLength() > 200));
        await page.locator('#courses').scrollIntoViewIfNeeded();
        await shoot(page, `course-${scheme}-${width}`);
      });
    }
  });

  test('all but the data is under 200 KB', () => {
    const text = readFileSync(make('size.html', 'report', 'udp-failures.pcapng'), 'utf8');
    const [before, rest] = text.split('<script type="application/json" id="data">');
    const size = before.length + rest.slice(rest.indexOf('</script>')).length;
    assert.ok(size < 200_000, `${size} octets`);
  });
});

describe('what a reader does', { skip }, () => {
  let file;
  before(() => { file = make('reader.html', 'report', 'udp-failures.pcapng', 'retransmission.pcap', 'register-digest.pcap'); });

  test('search, filter and sort', () => open(file, {}, async (page) => {
    const all = await rows(page).count();
    assert.equal(all, 9);
    await page.fill('#search', 'nobody');
    assert.equal(await rows(page).count(), 1);
    assert.match(await page.textContent('#shown'), /1 of 9 calls/);
    await page.fill('#search', 'ALICE carol');
    assert.equal(await cell(page, 0, 3), 'carol');
    await page.fill('#search', '');
    await page.selectOption('#state', { label: 'failed' });
    assert.equal(await rows(page).count(), 4);
    await page.selectOption('#state', '');
    await page.selectOption('#severity', '2');
    assert.ok(await rows(page).count() >= 1);
    await page.selectOption('#severity', '0');
    await page.click('th button:has-text("Talk")');
    await page.click('th button:has-text("Talk")');
    assert.equal(await page.getAttribute('th:has-text("Talk")', 'aria-sort'), 'descending');
    assert.equal(await cell(page, 0, 0), 'call-6');
    await page.click('th button:has-text("Call")');
    assert.equal(await cell(page, 0, 0), 'call-1');
    await page.fill('#search-registrations', 'mallory');
    assert.equal(await page.locator('#registration-list tbody tr').count(), 1);
  }));

  test('open a call and a message', () => open(file, {}, async (page) => {
    await rows(page).nth(5).click();
    await page.waitForSelector('#h-call:has-text("call-6")');
    assert.match(page.url(), /#call-6$/);
    assert.equal(await page.locator('pre').count(), 0, 'no message is written out before it is asked for');
    await page.locator('svg.ladder .row').nth(3).click();
    const text = await page.locator('pre').textContent();
    assert.match(text, /^INVITE sip:bob@/);
    assert.match(text, /response="\*\*\*"/);
    await page.locator('.text summary').nth(1).click();
    await page.waitForFunction(() => document.querySelectorAll('pre').length === 2);
    await shoot(page, 'call');
    await page.click('.close');
    await page.waitForSelector('#h-call', { state: 'detached' });
  }));

  test('whose codecs, and how many are as short', () => open(file, {}, async (page) => {
    assert.match(await page.locator('#cards').innerText(), /95 % up to /);
    await page.fill('#search', 'nobody');
    await rows(page).first().click();
    assert.match(await page.locator('#call').innerText(), /Codecs of the caller: PCMA\./);
    await page.fill('#search', '');
    await page.locator('[data-call="6"]').click();
    assert.match(await page.locator('#call').innerText(), /Codecs of both sides: PCMA\./);
  }));

  test('a telephone number with parameters: the table has the number', () => {
    const name = path.join(dir, 'context.pcap');
    writeFileSync(name, pcap([message('INVITE sip:bob@example.com SIP/2.0', { id: 'context', to: '0398;phone-context=+49' })]));
    return open(make('context.html', 'report', name), { hash: '#call-1' }, async (page) => {
      await page.waitForSelector('#h-call');
      const cells = await rows(page).first().locator('td').allTextContents();
      assert.deepEqual(cells.slice(2, 4), ['alice', '0398']);
    });
  });

  test('a transfer: one ladder, with both of its calls', () => {
    const made = make('transfer.html', 'report', transferCapture(path.join(dir, 'transfer.pcap')));
    return open(made, { hash: '#call-2' }, async (page) => {
      await page.waitForSelector('#h-call:has-text("call-2 ")');
      assert.equal(await page.locator('svg.ladder .row').count(), 11);
      const notes = await page.locator('svg.ladder .note').allTextContents();
      for (const want of ['hold by the callee', 'transfer to sip:carol@example.com, accepted: call-2', 'transfer: call-2 comes of the REFER in frame 6']) {
        assert.ok(notes.includes(want), `${want} is not in ${JSON.stringify(notes)}`);
      }
      assert.deepEqual(await page.locator('svg.ladder .leg1 .label').allTextContents(), ['2 · INVITE (audio PCMU)', '2 · 200 OK (audio PCMU)']);
      for (const [row, text] of [[5, 'REFER sip:alice@'], [7, 'INVITE sip:carol@']]) {
        await page.locator('svg.ladder .row').nth(row).click();
        await page.locator(`pre:has-text("${text}")`).waitFor();
      }
      const data = await page.evaluate(() => JSON.parse(document.getElementById('data').textContent).full[2]);
      const numbers = await page.locator('#call .finding .badge').allTextContents();
      assert.deepEqual(numbers, data.call.findings.map((f) => `!${data.ladder.marks.findIndex((m) => m.text.includes(f.id) && m.text.includes(`frame ${f.frames[0]}:`)) + 1} ${f.severity}`));
      assert.match(await page.locator('#call .legend').nth(1).textContent(), /^!1 warning of call-1: /);
      await shoot(page, 'transfer');
      await page.locator('.together a').click();
      await page.waitForSelector('#h-call:has-text("call-1 ")');
      assert.equal(await page.locator('svg.ladder .row').count(), 11);
      assert.match(await page.locator('.together').textContent(), /^On this ladder too: call-2 alice → carol {2}confirmed\. /);
      assert.match(await page.locator('#call .facts').first().textContent(), /Linkedtransfer: call-1 → call-2; score 150: refer-to, referred-by, from-referee, from-transferee/);
    });
  });

  test('by keyboard alone', () => open(file, {}, async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.locator('.table').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.call), '3');
    await page.keyboard.press('End');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.call), '9');
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#h-call:has-text("call-1 ")');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'call');
    await page.locator('svg.ladder .row').first().focus();
    await page.keyboard.press('Enter');
    assert.match(await page.locator('pre').textContent(), /^INVITE /);
  }));

  test('from a finding to its call', () => open(file, {}, async (page) => {
    const finding = page.locator('.finding:has(a[href^="#call-"])').first(); // others are of registrations
    await finding.locator('summary').click();
    await finding.locator('a[href^="#call-"]').first().click();
    await page.waitForSelector('#h-call');
    assert.ok(await page.locator('svg.ladder .mark').count() > 0);
  }));

  test('every control has a name', () => open(file, { hash: '#call-6' }, async (page) => {
    const nameless = await page.evaluate(() => [...document.querySelectorAll('button, input, select, a, [tabindex="0"], [role="img"]')]
      .filter((n) => !(n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.length)).map((n) => n.outerHTML.slice(0, 100)));
    assert.deepEqual(nameless, []);
    const tree = await page.locator('main').ariaSnapshot();
    for (const part of ['heading "Findings"', 'region "Table of calls"', 'columnheader', 'button "INVITE', 'searchbox "Search']) {
      const plain = part === 'button "INVITE' ? /button "[^"]*INVITE/ : part;
      assert.ok(plain instanceof RegExp ? plain.test(tree) : tree.includes(plain), `${part} is not in\n${tree.slice(0, 3000)}`);
    }
  }));

  const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  test('dark and light', async () => {
    await open(file, { colorScheme: 'dark', hash: '#call-6' }, async (page) => {
      assert.equal(await paper(page), 'rgb(21, 24, 27)');
      await shoot(page, 'dark');
      await page.click('#theme');
      assert.equal(await paper(page), 'rgb(255, 255, 255)');
      assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.paper')).fill), 'rgb(255, 255, 255)');
    });
    await open(file, { colorScheme: 'light' }, async (page) => assert.equal(await paper(page), 'rgb(255, 255, 255)'));
  });

  test('on a narrow screen nothing is cut off', () => open(file, { viewport: { width: 390, height: 800 }, hash: '#call-6' }, async (page) => {
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390);
    await shoot(page, 'narrow');
  }));

  test('print', () => open(file, { colorScheme: 'dark', hash: '#call-6' }, async (page) => {
    const pdf = await page.pdf({ format: 'A4', printBackground: true });
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    assert.ok(pdf.length > 20_000, `${pdf.length} octets`);
    if (shots) writeFileSync(path.join(shots, 'print.pdf'), pdf);
    await page.emulateMedia({ media: 'print' });
    assert.equal(await paper(page), 'rgb(255, 255, 255)', 'paper is white');
    assert.ok(await page.locator('nav').isHidden());
  }));
});

describe('ten thousand calls', { skip }, () => {
  test('are a table with few rows', async () => {
    const texts = [];
    for (let i = 0; i < 10_000; i++) {
      const id = `c${i}`, at = i * 0.5;
      texts.push({ text: message('INVITE sip:bob@192.0.2.2 SIP/2.0', { id, from: `user${i}` }), at });
      texts.push({ text: message('SIP/2.0 486 Busy Here', { id, from: `user${i}`, toTag: 't' }), back: true, at: at + 0.01 });
    }
    const capture = path.join(dir, 'many.pcap');
    writeFileSync(capture, pcap(texts));
    const file = make('many.html', 'report', capture);
    assert.ok(statSync(file).size < 8 << 20, `${statSync(file).size} octets`);
    await open(file, {}, async (page) => {
      assert.match((await page.textContent('#shown')).replace(/\D/g, ''), /^10000$/);
      assert.ok(await rows(page).count() < 60);
      await page.locator('.table').focus();
      await page.keyboard.press('End');
      assert.equal(await page.evaluate(() => document.activeElement.dataset.call), '10000');
      assert.ok(await rows(page).count() < 60);
      await page.evaluate(() => { document.querySelector('.table').scrollTop = 150_000; });
      await page.waitForSelector('tr[data-call="5001"]');
      await page.fill('#search', 'user7777@');
      assert.equal(await cell(page, 0, 2), 'user7777');
      await page.fill('#search', '');
      await page.goto(`${pathToFileURL(file).href}#call-9000`);
      await page.waitForSelector('#call:has-text("row of the table alone")');
      assert.match(await page.textContent('#alerts'), /200 of 10000 calls are shown in full/);
      await shoot(page, 'many', false);
    });
  });
});

describe('hostile text', { skip }, () => {
  function capture() {
    const file = path.join(dir, 'hostile <b>&"\'.pcap');
    writeFileSync(file, hostileCapture());
    return file;
  }

  test('is text in a report', async () => {
    const file = make('hostile.html', 'report', capture());
    const data = readFileSync(file, 'utf8').split('id="data">')[1].split('</script>')[0];
    assert.doesNotMatch(data, /[<>&\u2028\u2029]/);
    await open(file, {}, async (page) => {
      assert.match(await page.title(), /^SIP report: hostile <b>/);
      const calls = await rows(page).count();
      assert.ok(calls >= words.length - 2, `${calls} calls`);
      for (let id = 1; id <= calls; id++) {
        await page.goto(`${pathToFileURL(file).href}#call-${id}`);
        await page.waitForSelector(`#h-call:has-text("call-${id} ")`);
        await page.locator('.text summary').first().click();
        assert.match(await page.locator('pre').first().textContent(), /^INVITE /);
      }
      assert.equal(await page.locator('script').count(), 2);
      assert.equal(await page.locator('img, iframe, object, embed, link, form, base').count(), 0);
      assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('*')].flatMap((n) => [...n.attributes]).filter((a) => a.name.startsWith('on') || /^\s*javascript:/i.test(a.value) && a.name === 'href').map((a) => a.name)), []);
      await shoot(page, 'hostile');
    });
  });

  test('is text in ladders', async () => {
    for (const format of ['svg', 'html']) {
      const file = make(`hostile.${format}`, 'flow', '--format', format, capture());
      await open(file, {}, async (page) => {
        assert.equal(await page.locator('script, img').count(), 0);
        assert.ok(await page.locator('text').count() > words.length);
        if (format === 'html') await shoot(page, 'ladders');
      });
    }
  });
});

describe('ladders', { skip }, () => {
  test('SVG and HTML show their text', async () => {
    for (const format of ['svg', 'html']) {
      const file = make(`ladder.${format}`, 'flow', '--format', format, '--call', '6', 'udp-failures.pcapng');
      await open(file, {}, async (page) => {
        const texts = await page.locator('text').allTextContents();
        for (const t of ['INVITE (audio PCMA sendonly)', 'hold by the caller', '200 OK to BYE', '127.0.0.11']) assert.ok(texts.includes(t), `${t}: ${texts}`);
        if (format === 'html') await shoot(page, 'ladder');
      });
    }
  });
});
