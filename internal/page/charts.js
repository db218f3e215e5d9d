// Small charts. Each is an image with its numbers in words, and bars with titles.

const chart = { width: 420, height: 130, left: 54, bottom: 22, top: 8 };

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
      title: `${stamp(at).slice(0, 19)}: ${plural(n, 'call')}, ${t.answered[i]} answered, ${t.failed[i]} failed`,
      parts: [['good', t.answered[i]], ['neutral', other], ['bad', t.failed[i]]],
    };
  });
  const sum = (list) => list.reduce((a, b) => a + b, 0);
  return bars('Calls over time; from below: answered, other, failed', `${plural(sum(t.calls), 'call')}, ${sum(t.answered)} answered, ${sum(t.failed)} failed`,
    items, Math.ceil(items.length / 6));
}

// course draws losses and jitter of a stream over time: bars of lost packets, and a line of the
// most jitter with an axis of its own at the right. Its words say the same.
function course(s, c) {
  const lost = c.points.map((p) => p[1]), jitter = c.points.map((p) => p[2]);
  const right = 44, room = chart.width - chart.left - right, step = room / c.points.length;
  const topLost = Math.max(1, ...lost), topJitter = Math.max(1, Math.ceil(Math.max(...jitter)));
  const yLost = scale(topLost), yJitter = scale(topJitter);
  const x = (i) => chart.left + i * step;
  const time = (i) => (c.step_ms * i < 120000 ? `${+(c.step_ms * i / 1000).toFixed(2)} s` : `${Math.round(c.step_ms * i / 60000)} min`);
  const span = (i) => `${time(i)} to ${time(i + 1)}`;
  const sum = lost.reduce((a, b) => a + b, 0), worst = lost.indexOf(Math.max(...lost)), peak = jitter.indexOf(Math.max(...jitter));
  const words = [
    sum ? `${plural(sum, 'packet')} lost, most of them (${count(lost[worst])}) from ${span(worst)}` : 'no packets lost',
    `jitter at most ${jitter[peak]} ms, from ${span(peak)} after ${c.start}`,
  ];
  const columns = c.points.map((p, i) => svg('g', {}, svg('title', {}, `${span(i)}: ${plural(p[0], 'packet')}, ${count(p[1])} lost, jitter up to ${p[2]} ms`),
    svg('rect', { class: 'touch', x: x(i), y: chart.top, width: step, height: chart.height - chart.bottom - chart.top }),
    p[1] ? svg('rect', { class: 'bad', x: x(i) + step * 0.12, width: step * 0.76, y: yLost(p[1]), height: Math.max(yLost(0) - yLost(p[1]), 1) }) : ''));
  const line = svg('path', { class: 'line', d: jitter.map((v, i) => `${i ? 'L' : 'M'}${(x(i) + step / 2).toFixed(1)} ${yJitter(v).toFixed(1)}`).join('') });
  const end = c.points.length;
  return frame(`${s.ssrc} of the ${s.sent_by ?? 'sender'}, ${s.codec}: bars are packets lost, the line is jitter in ms, over ${time(end)}`, words.join('; '),
    svg('g', { class: 'axis' }, svg('path', { d: `M${chart.left} ${yLost(0)}H${chart.width - right}` }),
      svg('text', { x: chart.left - 5, y: yLost(0) + 4, 'text-anchor': 'end' }, '0'), svg('text', { x: chart.left - 5, y: yLost(topLost) + 4, 'text-anchor': 'end' }, count(topLost)),
      svg('text', { x: chart.width - right + 5, y: yJitter(0) + 4 }, '0'), svg('text', { x: chart.width - right + 5, y: yJitter(topJitter) + 4 }, `${topJitter} ms`)),
    columns, line,
    [0, Math.floor(end / 2), end].map((i) => svg('text', { x: x(i), y: chart.height - 6, 'text-anchor': ['start', 'middle', 'end'][i ? (i === end ? 2 : 1) : 0] }, time(i))));
}

// courses draws the streams of a call of which the course is known.
function courses(streams, list) {
  const figures = (list ?? []).map((c, i) => (c && streams[i] ? course(streams[i], c) : undefined));
  if (!figures.some((f) => f)) return undefined;
  return [el('h4', {}, 'Loss and jitter over time'), el('div', { class: 'charts', id: 'courses' }, figures)];
}

function setupTimes(bins) {
  if (!bins) return undefined;
  const items = bins.map((b, i) => ({
    label: b.label, parts: [['neutral', b.count]],
    title: `${plural(b.count, 'call')} ${b.count === 1 ? 'was' : 'were'} answered ${b.label === '∞' ? `after ${bins[i - 1].label} s or more` : `in under ${b.label} s`}`,
  }));
  return bars('Seconds until calls were answered, up to', items.map((i) => i.title).join('; '), items, 1);
}

function responseCodes(statuses) {
  const list = Object.entries(statuses).filter(([, n]) => n > 0);
  if (!list.length) return undefined;
  const shown = list.length > 14 ? list.toSorted((a, b) => b[1] - a[1]).slice(0, 14).toSorted((a, b) => a[0] - b[0]) : list;
  const kind = (code) => ({ 1: 'neutral', 2: 'good', 3: 'neutral' })[code[0]] ?? 'bad';
  const items = shown.map(([code, n]) => ({ label: code, parts: [[kind(code), n]], title: `${code}: ${count(n)}` }));
  return bars(`Responses by status code${shown === list ? '' : ', the 14 commonest'}`, items.map((i) => i.title).join('; '), items, 1);
}
