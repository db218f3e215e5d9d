// Elements. Text of the data becomes text nodes, and nothing else ever.

const SVG = 'http://www.w3.org/2000/svg';

// el makes an element: attributes, then children, which are nodes or text.
function el(name, attrs, ...children) {
  return fill(document.createElement(name), attrs, children);
}

// svg is el for drawings.
function svg(name, attrs, ...children) {
  return fill(document.createElementNS(SVG, name), attrs, children);
}

function fill(node, attrs, children) {
  for (const [key, value] of Object.entries(attrs ?? {})) {
    if (value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : value);
  }
  for (const c of children.flat(Infinity)) {
    if (c === undefined || c === null || c === '') continue;
    node.append(c instanceof Node ? c : document.createTextNode(String(c)));
  }
  return node;
}

const byId = (id) => document.getElementById(id);

function replace(node, ...children) {
  node.replaceChildren(...children.flat().filter((c) => c !== undefined));
}

// count writes a number with thin spaces between its thousands.
const count = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009');

const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

// seconds writes milliseconds for people; -1 and undefined are nothing.
function seconds(ms) {
  if (ms === undefined || ms < 0) return '';
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59995) return `${(ms / 1000).toFixed(2)} s`;
  const s = Math.round(ms / 1000), m = Math.round(s / 60);
  return s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(m / 60)} h ${m % 60} min`;
}

// stamp writes a time as the data have it, or milliseconds since 1970, without its rest.
function stamp(t) {
  if (!t) return '';
  const s = typeof t === 'number' ? new Date(t).toISOString() : t;
  return `${s.slice(0, 10)} ${s.slice(11, 23)}`;
}

const percent = (x) => (x === undefined ? '' : `${x.toFixed(1)} %`);

// term makes a pair of a list of definitions, nothing where there is nothing to say.
function term(name, ...value) {
  const said = value.flat().filter((v) => v !== undefined && v !== null && v !== '');
  return said.length ? [el('dt', {}, name), el('dd', {}, said)] : [];
}

const severities = ['', 'note', 'warning', 'error'];

function badge(severity, text) {
  return el('span', { class: `badge ${severity}` }, text ?? severity);
}

// more shows a long list in pieces: make turns an item into a node.
function more(parent, items, size, make) {
  let shown = 0;
  const button = el('button', { type: 'button', class: 'more', onclick: next });
  function next() {
    for (const end = Math.min(shown + size, items.length); shown < end; shown++) parent.append(make(items[shown], shown));
    if (shown < items.length) {
      button.textContent = `Show more: ${count(shown)} of ${count(items.length)} are shown`;
      (parent.tagName === 'TBODY' ? parent.closest('table') : parent).after(button);
    } else {
      button.remove();
    }
  }
  button.remove();
  next();
}
