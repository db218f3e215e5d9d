// The official TypeScript client against the built binary, over stdio and over Streamable
// HTTP, in every protocol revision the client can be told to speak. What is asked follows from what the server
// lists: a tool, prompt or resource that is added later is covered without a change here.
//
// SIPSIGHT_BIN names the binary; without it one is built.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Client, ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Ajv2020 } from 'ajv/dist/2020.js';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const captures = ['udp-call.pcapng', 'tcp-calls.pcap', 'udp-failures.pcapng'].map((name) => path.join(root, 'testdata/captures', name));

const newest = '2026-07-28';
const legacy = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

// The ways to open a connection, and the revision that each must end in.
const ways = [
  { name: 'default', options: {}, revision: '2025-11-25' },
  ...legacy.map((revision) => ({ name: `legacy ${revision}`, options: { supportedProtocolVersions: [revision] }, revision })),
  { name: 'auto', options: { versionNegotiation: { mode: 'auto' } }, revision: newest },
  { name: `pinned ${newest}`, options: { versionNegotiation: { mode: { pin: newest } } }, revision: newest },
];

// What a model may be sent, and what one answer of its own accord takes.
const maxChars = 40000;

let binary;
let scratch;
let outputSchemas; // by tool, as the newest revision lists them: the older ones leave them out

before(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'sipsight-'));
  binary = process.env.SIPSIGHT_BIN;
  if (!binary) {
    binary = path.join(scratch, 'sipsight');
    execFileSync('go', ['build', '-o', binary, './cmd/sipsight'], { cwd: root, stdio: 'inherit' });
  }
  const c = await connect(ways.at(-1));
  const { tools } = await c.listTools();
  outputSchemas = new Map(tools.map((t) => [t.name, t.outputSchema]));
  await c.close();
});

after(() => rmSync(scratch, { recursive: true, force: true }));

// connect starts a server and returns a client of it. Whatever the client could not make
// sense of is kept in client.faults.
async function connect(way, over = 'stdio') {
  const client = new Client({ name: 'test', version: '1' }, way.options);
  client.faults = [];
  client.onerror = (e) => client.faults.push(e);
  const said = (text) => client.faults.push(new Error(`the server wrote to stderr: ${text}`));
  if (over === 'http') {
    client.server = await serveHTTP(said);
    await client.connect(new StreamableHTTPClientTransport(new URL(client.server.url)));
    return client;
  }
  const transport = new StdioClientTransport({ command: binary, args: ['mcp', '--allow-private-urls'], stderr: 'pipe' });
  transport.stderr.on('data', said);
  await client.connect(transport);
  return client;
}

// serveHTTP starts a server on a free port of loopback.
async function serveHTTP(said) {
  const child = spawn(binary, ['mcp', '--allow-private-urls', '--http', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const lines = createInterface({ input: child.stderr });
  const first = await new Promise((resolve) => lines.once('line', resolve));
  lines.on('line', said);
  const url = first.match(/http:\S+/)?.[0];
  assert.ok(url, first);
  return { url, stop: () => { child.kill('SIGTERM'); return ended; } };
}

// disconnect ends the server, and the test if anything was out of order.
async function disconnect(client) {
  await client.close();
  if (client.server) assert.equal(await client.server.stop(), 0, 'the exit code after SIGTERM');
  assert.deepEqual(client.faults, []);
}

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });

// check validates value, and shows the first faults.
function check(schema, value, what) {
  const ok = ajv.validate(schema, value);
  assert.ok(ok, `${what}: ${ajv.errorsText()}`);
}

// argumentsOf yields sets of arguments for a tool: the least it takes, and each value of
// each enumeration beside that.
function* argumentsOf(tool, capture) {
  const { properties, required = [] } = tool.inputSchema;
  const least = { pcap_file: capture };
  for (const name of required) {
    if (name === 'pcap_file') continue;
    const p = properties[name];
    least[name] = name === 'call' ? 'call-1' : (p.default ?? p.enum?.[0] ?? p.examples?.[0]);
    assert.notEqual(least[name], undefined, `${tool.name}: nothing is known to give for ${name}`);
  }
  yield least;
  for (const [name, p] of Object.entries(properties)) {
    for (const value of p.enum ?? []) {
      yield { ...least, [name]: value };
    }
  }
}

// answerOf checks what holds for every result without an error, and returns the object in it.
function answerOf(tool, result, revision) {
  assert.ok(!result.isError, `${tool.name}: ${result.content[0]?.text}`);
  assert.ok(result.content.length > 0, `${tool.name}: no content`);
  let chars = 0;
  for (const block of result.content) {
    assert.ok(['text', 'resource_link', 'resource'].includes(block.type), `${tool.name}: a block of type ${block.type}`);
    chars += block.text?.length ?? 0;
  }
  assert.ok(chars > 0 && chars <= maxChars, `${tool.name}: ${chars} characters of text`);
  const schema = outputSchemas.get(tool.name);
  if (!schema) {
    assert.equal(result.structuredContent, undefined, `${tool.name}: structure without a schema`);
    return {};
  }
  if (revision < '2025-06-18') {
    assert.equal(result.structuredContent, undefined, `${tool.name}: structure in revision ${revision}`);
    const value = JSON.parse(result.content[0].text);
    check(schema, value, tool.name);
    return value;
  }
  check(schema, result.structuredContent, tool.name);
  assert.ok(JSON.stringify(result.structuredContent).length <= maxChars, `${tool.name}: too much structure`);
  return result.structuredContent;
}

// refusal returns the error that the server answers with.
async function refusal(promise) {
  try {
    await promise;
  } catch (e) {
    assert.ok(e instanceof ProtocolError, `not an answer of the server: ${e.stack}`);
    return e;
  }
  assert.fail('the server did not refuse');
}

for (const [over, way] of ['stdio', 'http'].flatMap((over) => ways.map((way) => [over, way]))) {
  describe(`${over}, ${way.name}`, { timeout: 180_000 }, () => {
    let client;
    let tools;
    before(async () => {
      client = await connect(way, over);
      ({ tools } = await client.listTools());
    });
    after(() => disconnect(client));

    test('the revision and the server', () => {
      assert.equal(client.getNegotiatedProtocolVersion(), way.revision);
      assert.equal(client.getServerVersion().name, 'sipsight');
      assert.ok(client.getInstructions().length > 0);
    });

    test('tools/list', () => {
      assert.ok(tools.length > 0);
      assert.equal(new Set(tools.map((t) => t.name)).size, tools.length, 'a name is used twice');
      for (const t of tools) {
        assert.match(t.name, /^[a-z_]{1,30}$/);
        assert.ok(t.description.length > 0 && t.description.length <= 2048, `${t.name}: the description`);
        assert.equal(t.inputSchema.additionalProperties, false, t.name);
        assert.ok(t.inputSchema.required.includes('pcap_file'), t.name);
        ajv.compile(t.inputSchema);
        if (way.revision >= '2025-03-26') {
          assert.equal(t.annotations.readOnlyHint, true, t.name);
        }
        if (way.revision >= '2025-06-18') {
          if (t.outputSchema) ajv.compile(t.outputSchema);
          assert.deepEqual(t.outputSchema, outputSchemas.get(t.name));
        } else {
          assert.equal(t.outputSchema, undefined);
        }
      }
    });

    test('every tool on every capture', async () => {
      for (const capture of captures) {
        for (const tool of tools) {
          for (const args of argumentsOf(tool, capture)) {
            check(tool.inputSchema, args, `the arguments of ${tool.name}`);
            answerOf(tool, await client.callTool({ name: tool.name, arguments: args }), way.revision);
          }
        }
      }
    });

    test('pages', async () => {
      for (const tool of tools.filter((t) => t.inputSchema.properties.cursor)) {
        for (const [args] of captures.map((c) => [...argumentsOf(tool, c)])) {
          const seen = new Set();
          for (let cursor; ; ) {
            const result = await client.callTool({ name: tool.name, arguments: cursor ? { ...args, cursor } : args });
            cursor = answerOf(tool, result, way.revision).next_cursor;
            if (cursor === undefined) break;
            assert.ok(!seen.has(cursor), `${tool.name}: cursor ${cursor} came twice`);
            seen.add(cursor);
            assert.ok(seen.size < 500, `${tool.name}: the pages do not end`);
          }
        }
      }
    });

    test('what a model can repair is a result', async () => {
      const absent = path.join(scratch, 'no-such.pcap');
      const wrong = [
        [{ pcap_file: absent }, /no such|not exist|not found|cannot/i],
        [{ pcap_file: 'testdata/captures/udp-call.pcapng' }, /absolute/],
        [{ pcap_file: '' }, /empty/],
        [{ pcap_file: captures[0], no_such_argument: 1 }, /no_such_argument/],
        [{ pcap_file: 7 }, /pcap_file/],
        [{ pcap_file: path.join(root, 'go.mod') }, /./],
      ];
      for (const tool of tools) {
        for (const [args, why] of [...wrong, [undefined, /pcap_file/]]) {
          const [least] = argumentsOf(tool, captures[0]);
          const given = args && { ...least, ...args };
          const result = await client.callTool({ name: tool.name, arguments: given });
          assert.equal(result.isError, true, `${tool.name} ${JSON.stringify(args)}`);
          assert.match(result.content[0].text, why, tool.name);
        }
      }
    });

    test('what a program must repair is an error', async () => {
      assert.equal((await refusal(client.callTool({ name: 'no_such_tool', arguments: {} }))).code, -32602);
      assert.equal((await refusal(client.getPrompt({ name: 'no_such_prompt' }))).code, -32602);
      assert.equal((await refusal(client.listTools({ cursor: 'no such page' }))).code, -32602);
    });

    test('prompts', async () => {
      const { prompts } = await client.listPrompts();
      assert.ok(prompts.length > 0);
      for (const p of prompts) {
        const args = Object.fromEntries((p.arguments ?? []).map((a) => [a.name, a.name === 'pcap_file' ? captures[0] : 'call-1']));
        const full = await client.getPrompt({ name: p.name, arguments: args });
        assert.ok(full.messages.length > 0 && full.messages.every((m) => m.content.text.length > 0), p.name);
        if (args.pcap_file) assert.ok(full.messages[0].content.text.includes(captures[0]), p.name);
        if (!(p.arguments ?? []).some((a) => a.required)) {
          assert.ok((await client.getPrompt({ name: p.name })).messages.length > 0, p.name);
        }
        assert.equal((await refusal(client.getPrompt({ name: p.name, arguments: { no_such: 'x' } }))).code, -32602);
        for (const a of client.getServerCapabilities().completions ? (p.arguments ?? []) : []) {
          const { completion } = await client.complete({ ref: { type: 'ref/prompt', name: p.name }, argument: { name: a.name, value: '' } });
          assert.ok(completion.values.length <= 100);
        }
      }
    });

    test('resources', async (t) => {
      if (!client.getServerCapabilities().resources) {
        t.skip('the server has none');
        return;
      }
      const { resources } = await client.listResources();
      for (const r of resources) {
        const { contents } = await client.readResource({ uri: r.uri });
        assert.ok(contents.length > 0 && contents[0].text.length > 0, r.uri);
      }
      for (const r of (await client.listResourceTemplates()).resourceTemplates) {
        assert.match(r.uriTemplate, /\{.+\}/);
      }
      // The client gives both codes, -32002 and -32602, the same meaning.
      const e = await refusal(client.readResource({ uri: 'sipsight://no/such' }));
      assert.ok(e.code === -32602 || e.code === -32002, `${e.code}`);
    });

    test('ping', { skip: way.revision === newest && 'the newest revision has none' }, async () => {
      await client.ping();
    });

    test('progress', { timeout: 30_000 }, async () => {
      const slow = await slowServer(captures[1]);
      try {
        const seen = [];
        const [args] = argumentsOf(tools[0], slow.url);
        const result = await client.callTool(
          { name: tools[0].name, arguments: args },
          { onprogress: (p) => { seen.push(p.progress); slow.release(); } },
        );
        answerOf(tools[0], result, way.revision);
        assert.ok(seen.length > 0);
        for (let i = 1; i < seen.length; i++) assert.ok(seen[i] > seen[i - 1], `${seen}`);
      } finally {
        slow.close();
      }
    });

    // Over HTTP the older revisions cancel with a message of its own, which no session ties
    // to the call; the newest one closes the stream.
    const deaf = over === 'http' && way.revision !== newest && 'without sessions nobody knows whose call it is';
    test('cancel', { timeout: 30_000, skip: deaf }, async () => {
      const slow = await slowServer(captures[1]);
      try {
        const abort = new AbortController();
        const [args] = argumentsOf(tools[0], slow.url);
        const call = client.callTool({ name: tools[0].name, arguments: args }, { signal: abort.signal });
        call.catch(() => {});
        await slow.begun;
        abort.abort('enough');
        await assert.rejects(call);
        await slow.gone; // the server stopped reading, so the tool was told
        const [next] = argumentsOf(tools[0], captures[0]);
        answerOf(tools[0], await client.callTool({ name: tools[0].name, arguments: next }), way.revision);
      } finally {
        slow.close();
      }
    });

    test('many calls at once', async () => {
      const [args] = argumentsOf(tools[0], captures[0]);
      const calls = Array.from({ length: 8 }, () => client.callTool({ name: tools[0].name, arguments: args }));
      for (const result of await Promise.all(calls)) answerOf(tools[0], result, way.revision);
    });
  });
}

test('a revision that nobody speaks', async () => {
  const way = { options: { versionNegotiation: { mode: { pin: '2099-01-01' } } } };
  await assert.rejects(connect(way));
});

// slowServer serves a capture on loopback, the first octets at once and the others when
// release is called. begun and gone are settled when a client came and when it went.
async function slowServer(file) {
  const octets = readFileSync(file);
  const first = 2000;
  let begin, go, held;
  const begun = new Promise((resolve) => (begin = resolve));
  const gone = new Promise((resolve) => (go = resolve));
  const server = http.createServer((request, response) => {
    held = response;
    response.on('close', go);
    response.writeHead(200, { 'Content-Length': octets.length });
    response.write(octets.subarray(0, first), () => begin());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/slow.pcap`,
    begun,
    gone,
    release: () => held.end(octets.subarray(first)),
    close: () => { held?.destroy(); server.close(); },
  };
}
