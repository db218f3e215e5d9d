// The official Inspector against sipsight over stdio: what it says of the schemas of tools, and
// of the page of draw_call_flow.
//
// SIPSIGHT_BIN names the binary; without it one is built.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build, node, here } from './tools.mjs';

const inspector = path.join(here, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');

let scratch, binary;
before(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'sipsight-'));
  binary = process.env.SIPSIGHT_BIN || build(scratch, 'sipsight');
});
after(() => rmSync(scratch, { recursive: true, force: true }));

// inspect runs the Inspector and returns its exit code and what it said.
function inspect(...args) {
  const env = { ...process.env, HOME: scratch, MCP_CATALOG_PATH: path.join(scratch, 'catalogue.json') };
  return new Promise((resolve) => {
    execFile(node, [inspector, '--cli', ...args, binary, 'mcp'], { cwd: scratch, env, timeout: 60_000, maxBuffer: 8 << 20 },
      (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

describe('the Inspector', { timeout: 120_000 }, () => {
  for (const era of ['legacy', 'modern']) {
    test(`--strict, ${era}`, async (t) => {
      const { code, stdout, stderr } = await inspect('--strict', '--protocol-era', era, '--method', 'tools/list');
      assert.equal(code, 0, stderr);
      const { tools } = JSON.parse(stdout);
      assert.equal(tools.length, 10);
      assert.doesNotMatch(stderr, /^Error/m);
      const paths = [...stderr.matchAll(/^ +Path: (.*)$/gm)].map((m) => m[1]);
      assert.deepEqual(paths.filter((p) => p.startsWith('inputSchema')), [], 'warnings of arguments');
      t.diagnostic(`${tools.length} tools, no errors, ${paths.length} warnings of results`);
    });
  }

  test('the page', async () => {
    const { code, stdout, stderr } = await inspect('--app-info', '--method', 'tools/list');
    assert.equal(code, 0, stderr);
    const tools = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(tools.filter((t) => t.hasApp), [{
      hasApp: true, toolName: 'draw_call_flow', resourceUri: 'ui://sipsight/call-flow.html', visibility: ['model', 'app'],
      prefersBorder: true, resourceMimeType: 'text/html;profile=mcp-app',
    }]);
  });

  test('a tool', async () => {
    const capture = path.join(here, '../../testdata/captures/udp-failures.pcapng');
    const { code, stdout, stderr } = await inspect('--tool-arg', `pcap_file=${capture}`, 'call=call-2', '--tool-name', 'explain_call', '--method', 'tools/call');
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).structuredContent.final_status, 486);
  });
});
