// The page of one call inside of an assistant.

const view = { args: {}, call: undefined, ladder: undefined, chosen: -1 };

// show puts nodes in place of all that is shown.
const show = (...nodes) => replace(byId('view'), nodes);

// theme follows the host: its colours, light or dark, and how much room there is.
function theme() {
  const root = document.documentElement, c = host.context;
  const dark = c.theme ? c.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'dark' : 'light';
  root.dataset.mode = c.displayMode ?? 'inline';
  for (const [name, value] of Object.entries(c.styles?.variables ?? {})) {
    if (/^--[a-z0-9-]+$/.test(name) && typeof value === 'string') root.style.setProperty(name, value);
  }
}

// load fetches the call that was drawn, and draws it.
async function load(result) {
  const text = textOf(result);
  if (result.isError) return show(el('p', { class: 'alert', role: 'alert' }, text));
  if (!host.capabilities.serverTools) return show(el('pre', {}, text));
  try {
    view.call = await callTool('explain_call', { ...files(), call: view.args.call, detail: 'full' });
    view.ladder = ladderOf(view.call);
    draw();
  } catch (e) {
    show(el('p', { class: 'alert', role: 'alert' }, `The call cannot be drawn: ${e.message}`), el('pre', {}, text));
  }
}

// files returns the arguments that name the captures.
function files() {
  const { pcap_file, more_files } = view.args;
  return more_files ? { pcap_file, more_files } : { pcap_file };
}

function draw() {
  const c = view.call;
  const can = host.capabilities;
  view.chosen = -1;
  show(
    el('div', { class: 'call-head' },
      el('h1', {}, `${c.id} `, el('span', { class: 'parties' }, `${party(c.from)} → ${party(c.to ?? c.request_uri)}`), ' ', el('span', { class: `state ${c.state}` }, c.state)),
      el('div', { class: 'controls' },
        can.message && el('button', { type: 'button', id: 'explain', onclick: () => explain() }, 'Explain this call'),
        can.downloadFile && el('button', { type: 'button', id: 'save', onclick: save }, 'Save as SVG'))),
    el('p', { class: 'verdict' }, c.verdict),
    el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Ladder' }, drawLadder(view.ladder, choose)),
    legend(),
    el('ul', { class: 'marks' }, view.ladder.marks.map((f, i) => el('li', {}, badge(f.severity, `!${i + 1} ${f.severity}`), ` ${f.id}: ${f.observed}`))),
    el('p', { id: 'status', class: 'dim', role: 'status' }, 'Choose an arrow to read the message. Secrets are masked.'),
    el('div', { id: 'message' }));
}

// party shortens a URI to what people say: the user, or where there is none the host.
function party(uri) {
  const rest = (uri ?? '').replace(/^[^:]*:/, '');
  const at = rest.indexOf('@');
  return cut(at > 0 ? rest.slice(0, at).split(';')[0] : rest, 40);
}

// legend says what the ladder leaves out, and what its legs are.
function legend() {
  const c = view.call, lines = [];
  if (c.timeline_left_out) lines.push(`${plural(c.timeline_left_out, 'message')} in the middle of the call are left out.`);
  (c.legs ?? []).forEach((leg, i) => lines.push(`${i + 2}: ${leg.call_id}${leg.reasons ? `, joined by ${leg.reasons.join(', ')}` : ''}`));
  return lines.length ? el('ul', { class: 'legend' }, lines.map((t) => el('li', {}, t))) : undefined;
}

const say = (text) => { byId('status').textContent = text; };

// choose shows the message of a row.
async function choose(i) {
  const r = view.ladder.rows[i];
  view.chosen = i;
  document.querySelectorAll('svg.ladder .row').forEach((g, k) => g.classList.toggle('chosen', k === i));
  replace(byId('message'));
  if (!r.step) return say(r.detail);
  say(`Reading frame ${r.frames[0]} …`);
  const texts = await read(r).catch((e) => { say(`The message cannot be read: ${e.message}`); });
  if (!texts || view.chosen !== i) return;
  say(`Frame ${r.frames[0]}, ${stamp(r.step.time)} UTC, ${r.step.source} → ${r.step.destination}`);
  replace(byId('message'), texts.map((t) => el('pre', { tabindex: 0, 'aria-label': 'Message' }, t)),
    host.capabilities.message ? [el('button', { type: 'button', id: 'explain-message', onclick: () => explain(r) }, 'Explain this message')] : []);
}

// read fetches the texts of the messages of a row: those in its packet that are of this call.
async function read(r) {
  const { messages } = await callTool('search_messages', { ...files(), frame: r.frames[0], limit: 20 });
  const ids = [view.call.call_id, ...(view.call.legs ?? []).map((l) => l.call_id)];
  const own = messages.filter((m) => m.call_id === ids[(r.step.leg ?? 1) - 1]);
  if (!messages.length) throw new Error('no message is there any more; was the capture replaced?');
  return (own.length ? own : messages).map((m) => m.raw);
}

// explain has the assistant explain the call, or one message of it. What it is asked is made
// of our words, numbers and the name of the file: text of the capture has no part in it.
async function explain(r) {
  const file = JSON.stringify(String(view.args.pcap_file ?? '')), id = /^call-\d+$/.test(view.call.id) ? view.call.id : 'the call';
  const text = r
    ? `Explain the message in frame ${r.frames[0]} of ${id} in ${file}: what does it say, and what does it mean for the call?`
    : `Explain ${id} in ${file}: what became of it, why, and what is to be done?`;
  await tell(request('ui/message', { role: 'user', content: [{ type: 'text', text }] }), 'The assistant was asked.', 'The host did not pass the question on');
}

// tell says how a request to the host went.
async function tell(asked, good, bad) {
  try {
    say((await asked)?.isError ? `${bad}.` : good);
  } catch (e) {
    say(`${bad}: ${e.message}`);
  }
}

// save gives the ladder to the host as a file that stands by itself.
async function save() {
  const name = /^call-\d+$/.test(view.call.id) ? view.call.id : 'call';
  const resource = { uri: `file:///${name}.svg`, mimeType: 'image/svg+xml', text: standAlone() };
  await tell(request('ui/download-file', { contents: [{ type: 'resource', resource }] }), `${name}.svg was given to the host.`, 'The host did not save it');
}

// standAlone returns the ladder as an SVG with its style, and with a heading that says which
// call it is.
function standAlone() {
  const copy = document.querySelector('svg.ladder').cloneNode(true);
  for (const g of copy.querySelectorAll('.row')) {
    g.classList.remove('chosen');
    for (const name of ['tabindex', 'role', 'aria-label']) g.removeAttribute(name);
  }
  for (const hit of copy.querySelectorAll('.hit')) hit.remove();
  const c = view.call, heading = 46;
  const title = `${c.id}  ${party(c.from)} → ${party(c.to ?? c.request_uri)}  ${c.state}`;
  const width = Math.max(Number(copy.getAttribute('width')), textWidth(title) + 200, Math.min(textWidth(c.verdict) + 2 * size.margin, 900));
  const height = Number(copy.getAttribute('height')) + heading;
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 ${-heading} ${width} ${height}` })) copy.setAttribute(name, value);
  copy.querySelector('.paper').setAttribute('y', -heading);
  copy.prepend(svg('title', {}, title), svg('style', {}, byId('ladder-style').textContent));
  copy.append(svg('text', { class: 'title', x: size.margin, y: 22 - heading }, title),
    svg('text', { class: 'verdict', x: size.margin, y: 39 - heading }, cut(c.verdict, Math.floor((width - 2 * size.margin) / 6))));
  return new XMLSerializer().serializeToString(copy);
}

// follow tells the host how large the page is, whenever that changes.
function follow() {
  const root = document.documentElement;
  let last = '';
  const observer = new ResizeObserver(() => {
    const size = { width: root.clientWidth, height: Math.ceil(root.getBoundingClientRect().height) };
    if (JSON.stringify(size) === last) return;
    last = JSON.stringify(size);
    notify('ui/notifications/size-changed', size);
  });
  observer.observe(root);
  return observer;
}

async function begin() {
  host.on['ui/notifications/tool-input'] = (p) => { view.args = p.arguments ?? {}; };
  host.on['ui/notifications/tool-result'] = load;
  host.on['ui/notifications/tool-cancelled'] = () => show(el('p', { class: 'dim' }, 'The call was not drawn: it was cancelled.'));
  host.on['ui/notifications/host-context-changed'] = (p) => { Object.assign(host.context, p); theme(); };
  theme();
  try {
    await connect(document.documentElement.dataset.version);
  } catch (e) {
    return show(el('p', { class: 'alert', role: 'alert' }, `The host refused: ${e.message}`));
  }
  theme();
  const observer = follow();
  host.on['ui/resource-teardown'] = () => observer.disconnect();
}

begin();
