// Small charts. Each is an image with its numbers in words, and bars with titles.

const chart = { width: 420, height: 130, left: 34, bottom: 22, top: 8 };

function frame(title, describe, ...marks) {
  return el('figure', {}, el('figcaption', {}, title),
    svg('svg', { class: 'chart', viewBox: `0 0 ${chart.width} ${chart.height}`, role: 'img', 'aria-label': `${title}: ${describe}` }, marks));
}

// axis draws the lines and numbers at the left.
function axis(top) {
  const y = scale(top);
  return [0, top].map((v) => svg('g', { class: 'axis' },
    svg('path', { d: `M${chart.left} ${y(v)}H${chart.width}` }), svg('text', { x: chart.left - 5, y: y(v) + 4, 'text-anchor': 'end' }, count(v))));
}

function scale(top) {
  const room = chart.height - chart.bottom - chart.top;
  return (v) => chart.top + room * (1 - v / Math.max(top, 1));
}

// bars draws stacked bars: each item has label, title and parts of [class, number].
function bars(title, describe, items, every) {
  const top = Math.max(1, ...items.map((i) => i.parts.reduce((n, [, v]) => n + v, 0)));
  const y = scale(top);
  const step = (chart.width - chart.left) / items.length;
  const marks = items.map((item, i) => {
    const x = chart.left + i * step;
    let base = 0;
    const group = svg('g', {}, svg('title', {}, item.title));
    for (const [kind, v] of item.parts) {
      if (!v) continue;
      group.append(svg('rect', { class: kind, x: x + step * 0.12, width: step * 0.76, y: y(base + v), height: Math.max(y(base) - y(base + v), 1) }));
      base += v;
    }
    const end = x + step / 2 + item.label.length * 3 > chart.width;
    if (i % every === 0) group.append(svg('text', { x: end ? chart.width : x + step / 2, y: chart.height - 6, 'text-anchor': end ? 'end' : 'middle' }, item.label));
    return group;
  });
  return frame(title, describe, axis(top), marks);
}

function callsOverTime(t) {
  if (!t) return undefined;
  const start = Date.parse(t.start);
  const items = t.calls.map((n, i) => {
    const at = new Date(start + i * t.bucket_ms).toISOString();
    const other = Math.max(n - t.answered[i] - t.failed[i], 0);
    return {
      label: t.bucket_ms < 86400000 ? at.slice(11, 16 + (t.bucket_ms < 60000 ? 3 : 0)) : at.slice(5, 10),
      title: `${stamp(at).slice(0, 19)}: ${n} calls, ${t.answered[i]} answered, ${t.failed[i]} failed`,
      parts: [['good', t.answered[i]], ['neutral', other], ['bad', t.failed[i]]],
    };
  });
  const sum = (list) => list.reduce((a, b) => a + b, 0);
  return bars('Calls over time; from below: answered, other, failed', `${sum(t.calls)} calls, ${sum(t.answered)} answered, ${sum(t.failed)} failed`,
    items, Math.ceil(items.length / 6));
}

function setupTimes(bins) {
  if (!bins) return undefined;
  const items = bins.map((b, i) => ({
    label: b.label, parts: [['neutral', b.count]],
    title: `${b.count} calls were answered ${b.label === '∞' ? `after ${bins[i - 1].label} s or more` : `in under ${b.label} s`}`,
  }));
  return bars('Seconds until calls were answered, up to', items.map((i) => i.title).join('; '), items, 1);
}

function responseCodes(statuses) {
  const list = Object.entries(statuses).filter(([, n]) => n > 0);
  if (!list.length) return undefined;
  const shown = list.length > 14 ? list.toSorted((a, b) => b[1] - a[1]).slice(0, 14).toSorted((a, b) => a[0] - b[0]) : list;
  const kind = (code) => ({ 1: 'neutral', 2: 'good', 3: 'neutral' })[code[0]] ?? 'bad';
  const items = shown.map(([code, n]) => ({ label: code, parts: [[kind(code), n]], title: `${code}: ${n}` }));
  return bars('Responses by status code', items.map((i) => i.title).join('; '), items, 1);
}
