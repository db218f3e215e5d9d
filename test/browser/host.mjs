// A host of MCP Apps around the official AppBridge. It is bundled for the browser, and
// driven by app.test.js: startHost shows a page in a frame as hosts do, without an origin
// and under the policy that the specification gives to pages that ask for nothing.

import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';

const defaultPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'none'";

console.debug = () => {}; // the bridge tells of every message

// seen is what the page asked for, and initialized is settled by its handshake.
window.seen = { messages: [], files: [], sizes: [], info: undefined };

window.startHost = async (html, { capabilities = { serverTools: {}, message: { text: {} }, downloadFile: {} }, context = {} } = {}) => {
  const frame = document.createElement('iframe');
  frame.id = 'app';
  frame.sandbox = 'allow-scripts';
  frame.style.cssText = 'width: 100%; height: 300px; border: 0';
  document.body.replaceChildren(frame);
  const bridge = new AppBridge(null, { name: 'test host', version: '1' }, capabilities, { hostContext: { displayMode: 'inline', ...context } });
  bridge.oncalltool = (params) => window.callTool(params);
  bridge.onmessage = async (params) => { window.seen.messages.push(params); return window.refuse ? { isError: true } : {}; };
  bridge.ondownloadfile = async (params) => { window.seen.files.push(params); return {}; };
  bridge.addEventListener('sizechange', (size) => {
    window.seen.sizes.push(size);
    frame.style.height = `${size.height}px`;
  });
  const ready = new Promise((resolve) => bridge.addEventListener('initialized', resolve));
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html.replace('<head>', `<head><meta http-equiv="Content-Security-Policy" content="${defaultPolicy}">`);
  await ready;
  window.seen.info = bridge.getAppVersion();
  window.bridge = bridge;
};
