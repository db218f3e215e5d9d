// The table of calls: only the rows in sight exist, so that a hundred thousand are as fluid
// as ten.

const rowHeight = 30;

const columns = [
  { key: 0, name: 'Call', text: (r) => `call-${r[0]}` },
  { key: 1, name: 'Start', text: (r) => stamp(r[1]).slice(5, 19) },
  { key: 2, name: 'From', text: (r) => short(r[2]), title: (r) => r[2] },
  { key: 3, name: 'To', text: (r) => short(r[3]), title: (r) => r[3] },
  { key: 4, name: 'State', text: (r, d) => d.states[r[4]] },
  { key: 5, name: 'Code', text: (r) => r[5] || '', number: true },
  { key: 6, name: 'PDD', text: (r) => seconds(r[6]), number: true },
  { key: 7, name: 'Setup', text: (r) => seconds(r[7]), number: true },
  { key: 8, name: 'Talk', text: (r) => seconds(r[8]), number: true },
  { key: 9, name: 'Source', text: (r) => r[9] },
  { key: 10, name: 'Destination', text: (r) => r[10] },
  { key: 13, name: 'Finding', text: (r) => severities[r[13]] },
];

// short returns what people say of a URI: its user, without the parameters of a telephone number, or else its host.
function short(uri) {
  const rest = uri.slice(uri.indexOf(':') + 1);
  const at = rest.indexOf('@');
  return at > 0 ? rest.slice(0, at).split(';')[0] : rest;
}

function callTable(data, place) {
  const t = { data, rows: data.calls, sort: 0, down: false, current: 0 };
  const search = el('input', { type: 'search', id: 'search', placeholder: 'Search in parties, Call-ID, addresses, verdict', oninput: () => filter(t) });
  const state = el('select', { id: 'state', onchange: () => filter(t) }, el('option', { value: '' }, 'any'), data.states.map((s, i) => el('option', { value: i }, s)));
  const finding = el('select', { id: 'severity', onchange: () => filter(t) }, el('option', { value: 0 }, 'any'), [1, 2, 3].map((s) => el('option', { value: s }, s === 3 ? 'error' : `${severities[s]} or worse`)));
  const full = el('input', { type: 'checkbox', id: 'full', onchange: () => filter(t) });
  Object.assign(t, { search, state, finding, full });
  t.status = el('p', { id: 'shown', role: 'status', class: 'dim' });
  t.body = el('tbody');
  t.head = columns.map((c) => el('th', { scope: 'col', 'aria-sort': 'none', class: c.number ? 'number' : undefined },
    el('button', { type: 'button', onclick: () => sortBy(t, c.key) }, c.name)));
  t.box = el('div', { class: 'table', role: 'region', 'aria-label': 'Table of calls', tabindex: 0, onscroll: () => draw(t), onkeydown: (e) => keys(t, e) },
    el('table', { 'aria-rowcount': t.rows.length + 1 }, el('thead', {}, el('tr', { 'aria-rowindex': 1 }, t.head)), t.body));
  replace(place, el('div', { class: 'controls', role: 'search' },
    el('label', {}, 'Search ', search), el('label', {}, 'State ', state), el('label', {}, 'Finding ', finding), el('label', {}, full, ' shown in full')), t.status, t.box);
  filter(t);
  addEventListener('beforeprint', () => { t.printing = true; draw(t); });
  addEventListener('afterprint', () => { t.printing = false; draw(t); });
  addEventListener('resize', () => draw(t));
  return t;
}

// filter takes the rows that are asked for.
function filter(t) {
  const words = t.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = t.state.value, severity = Number(t.finding.value), full = t.full.checked;
  t.rows = t.data.calls.filter((r) => (state === '' || r[4] === Number(state)) && r[13] >= severity && (!full || r[14]) && has(r, words));
  order(t);
}

// has reports whether a row holds all words.
function has(r, words) {
  if (!words.length) return true;
  const text = `call-${r[0]} ${r[2]} ${r[3]} ${r[5]} ${r[9]} ${r[10]} ${r[15]} ${r[16]} ${r[17] ?? ''}`.toLowerCase();
  return words.every((w) => text.includes(w));
}

function sortBy(t, key) {
  t.down = t.sort === key ? !t.down : key === 13;
  t.sort = key;
  order(t);
}

// order sorts the rows: those without a value come last.
function order(t) {
  const key = t.sort, sign = t.down ? -1 : 1;
  const none = (v) => v === -1 || v === '' || (v === 0 && key !== 0);
  t.rows = t.rows.toSorted((a, b) => {
    const x = a[key], y = b[key];
    if (none(x) !== none(y)) return none(x) ? 1 : -1;
    return x < y ? -sign : x > y ? sign : a[0] - b[0];
  });
  columns.forEach((c, i) => t.head[i].setAttribute('aria-sort', c.key !== key ? 'none' : t.down ? 'descending' : 'ascending'));
  t.current = 0;
  t.box.scrollTop = 0;
  t.status.textContent = t.rows.length === t.data.calls.length ? plural(t.rows.length, 'call') : `${count(t.rows.length)} of ${count(t.data.calls.length)} calls`;
  draw(t);
}

// draw makes the rows in sight, between two that are as high as all others.
function draw(t) {
  const n = t.rows.length;
  let from = Math.max(0, Math.floor(t.box.scrollTop / rowHeight) - 10);
  let to = Math.min(n, from + Math.ceil(t.box.clientHeight / rowHeight) + 20);
  if (t.printing) [from, to] = [0, Math.min(n, 1000)];
  const list = t.rows.slice(from, to).map((r, i) => tableRow(t, r, from + i));
  if (t.printing && n > to) list.push(el('tr', {}, el('td', { colspan: columns.length }, `… and ${plural(n - to, 'call')} more`)));
  const focused = t.body.contains(document.activeElement);
  replace(t.body, spacer(t.printing ? 0 : from), list, spacer(t.printing ? 0 : n - to));
  if (focused) t.body.querySelector('tr[tabindex="0"]')?.focus({ preventScroll: true });
}

function spacer(rows) {
  const tr = el('tr', { class: 'spacer', 'aria-hidden': 'true' }, el('td', { colspan: columns.length }));
  tr.firstChild.style.height = `${rows * rowHeight}px`;
  return rows ? tr : undefined;
}

function tableRow(t, r, i) {
  const tr = el('tr', {
    class: r[14] ? 'full' : undefined, 'data-call': r[0], 'aria-rowindex': i + 2, tabindex: i === t.current ? 0 : -1, onclick: () => { t.current = i; openCall(r[0]); },
  });
  for (const c of columns) {
    const text = c.text(r, t.data);
    const td = el('td', { class: c.number ? 'number' : undefined, title: c.title?.(r) });
    if (c.key === 13 && text) td.append(badge(text));
    else if (c.key === 4) td.append(el('span', { class: `state ${text}` }, text));
    else td.append(document.createTextNode(text));
    tr.append(td);
  }
  return tr;
}

function openCall(id) {
  if (location.hash === `#call-${id}`) dispatchEvent(new Event('hashchange'));
  else location.hash = `#call-${id}`;
}

// keys moves among the rows.
function keys(t, e) {
  const page = Math.max(1, Math.floor(t.box.clientHeight / rowHeight) - 2);
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[e.key];
  if (e.key === 'Enter' && e.target.closest('tbody') && t.rows[t.current]) {
    e.preventDefault();
    return openCall(t.rows[t.current][0]);
  }
  if (by === undefined || e.target.closest('thead')) return;
  e.preventDefault();
  t.current = Math.max(0, Math.min(t.rows.length - 1, t.current + by));
  const top = t.current * rowHeight;
  if (top < t.box.scrollTop) t.box.scrollTop = top;
  if (top + 3 * rowHeight > t.box.scrollTop + t.box.clientHeight) t.box.scrollTop = top + 3 * rowHeight - t.box.clientHeight;
  draw(t);
  t.body.querySelector('tr[tabindex="0"]')?.focus({ preventScroll: true });
}
