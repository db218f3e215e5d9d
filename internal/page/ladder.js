// A ladder. Columns, rows and texts are decided: this draws them, with the measures of the SVG
// that sipsight flow draws.

const size = { char: 7, row: 30, margin: 12, names: 44, minGap: 110, maxGap: 320, times: 145 };

function textWidth(s) {
  let n = 0;
  for (const c of s) n += c > '\u10ff' ? 2 : 1;
  return n * size.char;
}

function cut(s, n) {
  const list = [...s];
  return list.length > n ? `${list.slice(0, Math.max(n - 1, 1)).join('')}…` : s;
}

const headWidth = (c) => Math.max(textWidth(c.name), textWidth(c.addr ?? '')) + 16;
// legend says what is left out, and what the numbers, lines and letters of a ladder are.
function legend(l) {
  const lines = (l.legend ?? []).map((x) => (x.leg < 0 ? x.text : `${['Solid', 'Dotted', 'Dashed'][x.leg % 3]} lines, ${x.text}`));
  if (l.more) lines.unshift(l.more);
  return lines.length ? el('ul', { class: 'legend' }, lines.map((t) => el('li', {}, t))) : undefined;
}

// markWidth returns the room for the number of a finding.
const markWidth = (m) => textWidth(`!${m + 1}`) + 10;

const rowLabel = (r) => (r.leg ? `${r.leg} · ${r.label}` : r.label);

// places returns where the columns stand.
function places(l) {
  const gaps = l.columns.slice(1).map((c, i) => Math.max(size.minGap, (headWidth(l.columns[i]) + headWidth(c)) / 2 + 16));
  for (const r of l.rows) {
    const [from, to] = [Math.min(r.from, r.to), Math.max(r.from, r.to)];
    if (from === to) continue;
    const have = gaps.slice(from, to).reduce((a, b) => a + b, 0);
    gaps[to - 1] += Math.max(Math.min(textWidth(rowLabel(r)) + 36, size.maxGap) - have, 0);
  }
  let x = size.margin + size.times + 16 + (l.columns.length ? headWidth(l.columns[0]) / 2 : 0);
  return [x, ...gaps.map((g) => (x += g))];
}

// drawLadder draws a call; open is called with a row that is chosen.
function drawLadder(l, open) {
  const x = places(l);
  const bottom = size.names + l.rows.length * size.row;
  const beside = Math.max(60, ...l.rows.map((r) => textWidth(r.remark ?? '') + (r.marks ?? []).reduce((n, m) => n + markWidth(m), 0)));
  const width = x.at(-1) + Math.max(beside, headWidth(l.columns.at(-1) ?? { name: '' }) / 2) + 2 * size.margin;
  const heads = l.columns.map((c, i) => [
    svg('text', { class: 'name', x: x[i], y: 18 }, c.name),
    c.addr ? svg('text', { class: 'addr', x: x[i], y: 33 }, c.addr) : undefined,
    svg('path', { class: 'bar', d: `M${x[i]} 38V${bottom}` }),
  ]);
  return svg('svg', { class: 'ladder', width, height: bottom + 8, viewBox: `0 0 ${width} ${bottom + 8}`, role: 'group', 'aria-label': `Ladder of ${l.rows.length} messages` },
    svg('rect', { class: 'paper', width: '100%', height: '100%' }), heads.flat(), l.rows.map((r, i) => drawRow(l, r, i, x, open)));
}

function drawRow(l, r, i, x, open) {
  const y = size.names + i * size.row + 20;
  const [x1, x2] = [x[r.from], x[r.to]];
  const choose = () => open(i);
  const g = svg('g', {
    class: `row ${r.kind} d${r.colour} leg${r.of % 3}`, tabindex: 0, role: 'button', 'aria-label': r.hover.replaceAll('\n', ', '),
    onclick: choose, onkeydown: (e) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); choose(); } },
  },
  svg('title', {}, r.hover),
  svg('rect', { class: 'hit', x: 2, y: y - 20, width: x.at(-1) + 40, height: size.row }),
  svg('text', { class: 'time', x: size.margin, y: y + 4 }, r.frame),
  svg('text', { class: 'time at', x: size.margin + size.times - 12, y: y + 4 }, `${r.after} s`),
  x1 === x2 ? toItself(r, x1, y) : arrow(r, x1, x2, y));
  let right = Math.max(x.at(-1) + 10, x1 === x2 ? x1 + textWidth(rowLabel(r)) + 36 : 0);
  for (const m of r.marks ?? []) {
    g.append(svg('text', { class: `mark ${l.marks[m]?.severity ?? ''}`, x: right, y: y + 4 }, `!${m + 1}`));
    right += markWidth(m);
  }
  if (r.remark) g.append(svg('text', { class: 'note', x: right, y: y + 4 }, r.remark));
  return g;
}

function arrow(r, x1, x2, y) {
  const to = x2 > x1 ? 1 : -1;
  const label = svg('text', { class: 'label', x: (x1 + x2) / 2, y: y - (r.kind === 'media' ? 7 : 5) }, cut(rowLabel(r), Math.floor((Math.abs(x2 - x1) - 12) / size.char) + 1));
  if (r.kind === 'media') return [label, svg('path', { class: 'arrow', d: `M${x1} ${y - 2}H${x2 - 7 * to}M${x1} ${y + 2}H${x2 - 7 * to}` }), tip(x2, y, to)];
  return [label, svg('path', { class: 'arrow', d: `M${x1} ${y}H${x2 - 2 * to}` }), tip(x2, y, to)];
}

function toItself(r, x, y) {
  return [svg('path', { class: 'arrow', d: `M${x} ${y - 8}h14v9h-13` }), tip(x, y + 1, -1), svg('text', { class: 'label self', x: x + 20, y }, rowLabel(r))];
}

const tip = (x, y, to) => svg('path', { class: 'tip', d: `M${x - to} ${y}l${-9 * to} -4v8z` });
