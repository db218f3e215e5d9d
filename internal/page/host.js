// The host of the page: JSON-RPC over window.parent. MCP Apps, revision 2026-01-26.

const host = { context: {}, capabilities: {}, on: Object.create(null), waiting: new Map(), last: 0, gone: false };

const post = (message) => window.parent.postMessage({ jsonrpc: '2.0', ...message }, '*');

// request asks the host and settles with its result.
function request(method, params) {
  return new Promise((resolve, reject) => {
    host.waiting.set(++host.last, { resolve, reject });
    post({ id: host.last, method, params });
  });
}

const notify = (method, params) => post({ method, params });

// receive takes a message of the host, and of nobody else.
function receive(event) {
  const m = event.data;
  if (event.source !== window.parent || m?.jsonrpc !== '2.0' || host.gone) return;
  if (m.method === undefined) settle(m);
  else if (m.id === undefined) host.on[m.method]?.(m.params ?? {});
  else answer(m);
}

function settle(m) {
  const asked = host.waiting.get(m.id);
  host.waiting.delete(m.id);
  if (m.error) asked?.reject(new Error(m.error.message));
  else asked?.resolve(m.result);
}

// answer answers a request of the host.
function answer(m) {
  if (m.method === 'ui/resource-teardown') {
    host.on[m.method]?.();
    post({ id: m.id, result: {} });
    host.gone = true;
  } else if (m.method === 'ping') {
    post({ id: m.id, result: {} });
  } else {
    post({ id: m.id, error: { code: -32601, message: `no method ${m.method}` } });
  }
}

// connect begins the talk with the host.
async function connect(version) {
  addEventListener('message', receive);
  const r = await request('ui/initialize', {
    appInfo: { name: 'sipsight', version },
    appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
    protocolVersion: '2026-01-26',
  });
  host.capabilities = r.hostCapabilities ?? {};
  Object.assign(host.context, r.hostContext);
  notify('ui/notifications/initialized', {});
}

// callTool calls a tool of the server and returns its structured result.
async function callTool(name, args) {
  const r = await request('tools/call', { name, arguments: args });
  if (r.isError || !r.structuredContent) throw new Error(textOf(r) || `${name} gave no result`);
  return r.structuredContent;
}

// textOf returns the text of a result of a tool.
const textOf = (r) => (r.content ?? []).filter((c) => c.type === 'text').map((c) => c.text).join('\n');
