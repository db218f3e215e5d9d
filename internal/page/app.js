// The page of one call inside of an assistant.

const view = { args: {}, ladder: undefined, chosen: -1 };

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

// load draws the ladder of the call that was drawn, as the server lays it out.
async function load(result) {
  const text = textOf(result);
  if (result.isError) return show(el('p', { class: 'alert', role: 'alert' }, text));
  if (!host.capabilities.serverTools) return show(el('pre', {}, text));
  try {
    view.ladder = await part();
    draw();
  } catch (e) {
    show(el('p', { class: 'alert', role: 'alert' }, `The call cannot be drawn: ${e.message}`), el('pre', {}, text));
  }
}

// part fetches the ladder, from a row on.
const part = (row = 0) => callTool('explain_call', { ...files(), call: view.args.call, detail: 'full', ladder: row });

// more fetches the next rows.
async function more() {
  try {
    const next = await part(view.ladder.next_row);
    view.ladder = { ...view.ladder, rows: [...view.ladder.rows, ...next.rows], next_row: next.next_row };
    const scroll = document.querySelector('.scroll'), top = scroll.scrollTop;
    replace(scroll, drawLadder(view.ladder, choose));
    scroll.scrollTop = top;
    mark(view.chosen);
    replace(byId('more'), moreButton());
  } catch (e) {
    say(`The rest cannot be read: ${e.message}`);
  }
}

// moreButton returns a button for the rows that are not there yet.
function moreButton() {
  const l = view.ladder;
  if (!l.next_row) return undefined;
  return el('button', { type: 'button', onclick: more }, `Show more: ${count(l.rows.length)} of ${count(l.total)} arrows are shown`);
}

// files returns the arguments that name the captures.
function files() {
  const { pcap_file, more_files } = view.args;
  return more_files ? { pcap_file, more_files } : { pcap_file };
}

function draw() {
  const l = view.ladder;
  const can = host.capabilities;
  view.chosen = -1;
  show(
    el('div', { class: 'call-head' },
      el('h1', {}, `${l.id} `, el('span', { class: 'parties' }, l.title)),
      el('div', { class: 'controls' },
        can.message && el('button', { type: 'button', id: 'explain', onclick: () => explain() }, 'Explain this call'),
        can.downloadFile && el('button', { type: 'button', id: 'save', onclick: save }, 'Save as SVG'))),
    el('p', { class: 'verdict' }, l.verdict),
    ...(l.others ?? []).map((x) => el('p', { class: 'verdict other' }, el('b', {}, `${x.id} `), `${x.title}. ${sentences(x)}`)),
    el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Ladder' }, drawLadder(l, choose)),
    el('div', { id: 'more' }, moreButton()),
    el('p', { id: 'status', class: 'dim', role: 'status' }, 'Choose an arrow to read the message. Secrets are masked.'),
    el('div', { id: 'message' }),
    legend(l),
    el('ul', { class: 'marks' }, (l.marks ?? []).map((m, i) => el('li', {}, badge(m.severity, `!${i + 1} ${m.severity}`), ` ${m.text}`))));
}

// sentences says what became of a call, and what ties it to the others.
const sentences = (x) => [x.verdict, x.why].filter(Boolean).join(' ');

const say = (text) => { byId('status').textContent = text; };

// mark shows which row is chosen.
const mark = (i) => document.querySelectorAll('svg.ladder .row').forEach((g, k) => g.classList.toggle('chosen', k === i));

// choose shows the message of a row.
async function choose(i) {
  const r = view.ladder.rows[i];
  view.chosen = i;
  mark(i);
  replace(byId('message'));
  if (r.kind === 'media' || !host.capabilities.serverTools) return say(r.hover.replaceAll('\n', ', '));
  say(`Reading frame ${r.frame} …`);
  const list = await read(r).catch((e) => { say(`The message cannot be read: ${e.message}`); });
  if (!list || view.chosen !== i) return;
  const m = list[0];
  say(`Frame ${r.frame}, ${stamp(m.time)} UTC, ${endpoint(m.source_ip, m.source_port)} → ${endpoint(m.destination_ip, m.destination_port)}`);
  replace(byId('message'), list.map((x) => el('pre', { tabindex: 0, 'aria-label': 'Message' }, x.raw)),
    host.capabilities.message ? [el('button', { type: 'button', id: 'explain-message', onclick: () => explain(r) }, 'Explain this message')] : []);
}

const endpoint = (ip, port) => (String(ip).includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

// read fetches the messages of a row: those in its packet that are of its leg.
async function read(r) {
  const frame = /^\d+$/.test(r.frame) ? Number(r.frame) : r.frame;
  const { messages } = await callTool('search_messages', { ...files(), frame, limit: 20 });
  if (!messages.length) throw new Error('no message is there any more; was the capture replaced?');
  const own = messages.filter((m) => m.call_id === view.ladder.legs[r.of]);
  return own.length ? own : messages;
}

// explain has the assistant explain the call, or one message of it. What it is asked is made
// of our words, numbers and the name of the file: text of the capture has no part in it.
async function explain(r) {
  const file = JSON.stringify(String(view.args.pcap_file ?? '')), id = /^call-\d+$/.test(view.ladder.id) ? view.ladder.id : 'the call';
  const text = r
    ? `Explain the message in frame ${r.frame} of ${id} in ${file}: what does it say, and what does it mean for the call?`
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
  const name = /^call-\d+$/.test(view.ladder.id) ? view.ladder.id : 'call';
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
  const l = view.ladder, calls = [l, ...(l.others ?? [])], heading = 10 + 36 * calls.length;
  const title = (x) => `${x.id}  ${x.title}`;
  const wide = calls.flatMap((x) => [textWidth(title(x)) + 200, Math.min(textWidth(sentences(x)) + 2 * size.margin, 900)]);
  const width = Math.max(Number(copy.getAttribute('width')), ...wide);
  const height = Number(copy.getAttribute('height')) + heading;
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 ${-heading} ${width} ${height}` })) copy.setAttribute(name, value);
  copy.querySelector('.paper').setAttribute('y', -heading);
  copy.prepend(svg('title', {}, title(l)), svg('style', {}, byId('ladder-style').textContent));
  calls.forEach((x, i) => {
    const y = 22 + 36 * i - heading;
    copy.append(svg('text', { class: 'title', x: size.margin, y }, title(x)),
      svg('text', { class: 'verdict', x: size.margin, y: y + 17 }, cut(sentences(x), Math.floor((width - 2 * size.margin) / 6))));
  });
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
