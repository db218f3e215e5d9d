// The official conformance suite against sipsight over Streamable HTTP, and against a toy
// that has what the suite asks for under names of its own. A check that does not apply is
// named below with the reason; every other one has to succeed.
//
// SIPSIGHT_BIN names the binary; without it one is built.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build, here, node } from './tools.mjs';

const suite = path.join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

const newest = '2026-07-28';
const old = ['2025-06-18', '2025-11-25'];
const all = [...old, newest];

// Scenarios for every server, with the revisions that have them.
const general = {
  'server-initialize': old,
  'ping': old,
  'tools-list': all,
  'prompts-list': all,
  'resources-list': all,
  'caching': [newest],
  'sep-2164-resource-not-found': [newest],
  'http-header-validation': [newest],
  'dns-rebinding-protection': ['2025-11-25', newest],
  'server-stateless': [newest],
};

// Scenarios of the toy: those of resources again, and those that call tools, prompts and resources
// of the suite's own naming.
const named = {
  'resources-list': all,
  'caching': [newest],
  'sep-2164-resource-not-found': [newest],
  'tools-call-simple-text': all,
  'tools-call-error': all,
  'tools-call-with-progress': all,
  'json-schema-2020-12': ['2025-11-25', newest],
  'completion-complete': all,
  'prompts-get-simple': all,
  'prompts-get-with-args': all,
  'resources-read-text': all,
  'resources-read-binary': all,
  'resources-templates-read': all,
};

// Checks that need something which no server here has.
const untestable = {
  'sep-2575-server-rejects-undeclared-capability': 'nothing here needs a capability of the client',
  'sep-2575-missing-capability-http-400': 'nothing here needs a capability of the client',
  'sep-2575-http-server-no-independent-requests-on-stream': 'nothing here asks the client',
  'sep-2575-server-no-log-without-loglevel': 'nothing here logs to the client',
};

let scratch;
before(() => (scratch = mkdtempSync(path.join(tmpdir(), 'sipsight-'))));
after(() => rmSync(scratch, { recursive: true, force: true }));

// start runs a server and returns its process and its address.
async function start(binary, args) {
  const server = spawn(binary, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: server.stderr })) {
    const url = line.match(/serving MCP at (http:\S+)/)?.[1];
    if (url) {
      server.stderr.resume();
      return { server, url };
    }
    throw new Error(`the server says: ${line}`);
  }
  throw new Error('the server ended');
}

// stop ends a server and returns its exit code.
function stop(server) {
  const ended = new Promise((resolve) => server.on('exit', resolve));
  server.stdin.end();
  server.kill('SIGTERM');
  return ended;
}

// run runs a scenario and returns its checks.
async function run(url, scenario, revision) {
  const out = mkdtempSync(path.join(scratch, 'out-'));
  const args = [suite, 'server', '--url', url, '--scenario', scenario, '--spec-version', revision, '-o', out];
  const said = await new Promise((resolve) => {
    execFile(node, args, { cwd: scratch, timeout: 60_000 }, (error, stdout, stderr) => resolve(stdout + stderr));
  });
  const results = readdirSync(out).map((dir) => path.join(out, dir, 'checks.json'));
  assert.equal(results.length, 1, said);
  return JSON.parse(readFileSync(results[0], 'utf8'));
}

function judge(t, checks, excused) {
  const counts = { SUCCESS: 0, SKIPPED: 0, excused: 0 };
  for (const c of checks) {
    if (c.status === 'SUCCESS' || c.status === 'INFO') counts.SUCCESS++;
    else if (c.status === 'SKIPPED') counts.SKIPPED++;
    else if (excused(c)) counts.excused++;
    else assert.fail(`${c.id} ${c.status}: ${c.errorMessage}`);
  }
  assert.ok(counts.SUCCESS > 0, 'nothing succeeded');
  t.diagnostic(`${counts.SUCCESS} succeeded, ${counts.SKIPPED} skipped by the suite, ${counts.excused} excused`);
}

const servers = [
  { name: 'sipsight', scenarios: general, binary: () => process.env.SIPSIGHT_BIN || build(scratch, 'sipsight'), args: ['mcp', '--http', '127.0.0.1:0'] },
  { name: 'toy', scenarios: named, binary: () => build(scratch, 'toy', path.join(here, 'toy'), '.'), args: [] },
];

for (const s of servers) {
  describe(s.name, { timeout: 300_000, concurrency: 2 }, () => {
    let server;
    let url;
    before(async () => {
      ({ server, url } = await start(s.binary(), s.args));
    });
    after(async () => {
      const code = await stop(server);
      if (s.name === 'sipsight') assert.equal(code, 0, 'the exit code after SIGTERM');
    });

    for (const [scenario, revisions] of Object.entries(s.scenarios)) {
      for (const revision of revisions) {
        test(`${scenario} ${revision}`, async (t) => {
          judge(t, await run(url, scenario, revision), (c) => c.id in untestable);
        });
      }
    }
  });
}
