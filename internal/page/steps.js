// What explain_call tells of a call, laid out for drawLadder. The rules are those of the
// ladders that sipsight flow draws.

const maxColumns = 24;

// hostOf returns the address of an endpoint without its port.
const hostOf = (endpoint) => endpoint.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

// columnsOf finds the columns in the order in which the call went through them. A host that
// talks to itself has a column for each of its ports.
function columnsOf(steps, streams) {
  const split = new Set(steps.filter((s) => s.source !== s.destination && hostOf(s.source) === hostOf(s.destination)).map((s) => hostOf(s.source)));
  const key = (endpoint) => (split.has(hostOf(endpoint)) ? endpoint : hostOf(endpoint));
  const list = [];
  const add = (a, b) => {
    const [i, j] = [list.indexOf(a), list.indexOf(b)];
    if (i < 0 && j >= 0) list.splice(j, 0, a);
    else if (i < 0) list.push(a);
    if (j < 0 && a !== b) list.push(b);
  };
  for (const s of steps) {
    if (s.direction === 'to_callee') add(key(s.source), key(s.destination)); // the caller's side stands to the left
    else add(key(s.destination), key(s.source));
  }
  const drawn = streams.filter((s) => !split.has(hostOf(s.source)) && !split.has(hostOf(s.destination)));
  for (const s of drawn) add(key(s.source), key(s.destination));
  const columns = list.slice(0, maxColumns).map((name) => ({ name }));
  if (list.length > maxColumns) columns[maxColumns - 1].name = 'further hosts';
  return { columns, drawn, of: (endpoint) => Math.min(list.indexOf(key(endpoint)), maxColumns - 1) };
}

// ladderOf makes a ladder of the result of explain_call.
function ladderOf(call) {
  const steps = (call.timeline ?? []).map((s) => ({ ...s, source: s.source ?? 'unknown', destination: s.destination ?? 'unknown' }));
  const begin = Date.parse(call.start);
  const { columns, drawn, of } = columnsOf(steps, (call.media?.streams ?? []).filter((s) => s.start && s.source && s.destination));
  const rows = [];
  for (const s of steps) {
    if (!foldStep(rows, s)) rows.push(stepRow(s, of, (call.legs ?? []).length > 0));
  }
  for (const s of drawn) insertRow(rows, streamRow(s, of, begin));
  const marks = call.findings ?? [];
  marks.forEach((f, i) => {
    for (const r of rows) if (r.frames.some((frame) => f.frames.includes(frame))) r.marks.push(i);
  });
  for (const r of rows) r.hover = hoverOf(r, columns, marks);
  return { columns, rows, marks };
}

// foldStep takes a message that was sent again into the row of its first copy.
function foldStep(rows, s) {
  if (s.retransmission_of === undefined) return false;
  const first = rows.find((r) => r.step && r.frames.includes(s.retransmission_of) &&
    ['what', 'cseq_number', 'source', 'destination', 'leg'].every((k) => r.step[k] === s[k]));
  if (!first) return false;
  first.frames.push(s.frame);
  first.label = labelOf(first.step, first.frames.length);
  first.remark = `sent again within ${seconds(s.offset_ms - first.offset)}`;
  return true;
}

function stepRow(s, of, legs) {
  const leg = (s.leg ?? 1) - 1;
  return {
    step: s, frames: [s.frame], offset: s.offset_ms ?? NaN, kind: kindOf(s.what), frame: String(s.frame), after: secondsAfter(s.offset_ms),
    from: of(s.source), to: of(s.destination), label: labelOf(s, 1), leg: legs ? String(leg + 1) : '', of: leg, colour: leg % 6, marks: [],
    remark: s.partial ? 'octets are missing' : '', detail: s.media ?? s.content_type,
  };
}

function streamRow(s, of, begin) {
  const offset = Date.parse(s.start) - begin;
  return {
    frames: [], offset, kind: 'media', frame: '', after: secondsAfter(offset), from: of(s.source), to: of(s.destination), of: 0, colour: 0, marks: [],
    label: `${s.protocol ?? 'RTP'} ${s.codec}${s.lost > 0 ? `, ${s.loss_percent} % lost` : ''}`,
    detail: `${s.source} → ${s.destination}, ${plural(s.packets, 'packet')}, ${s.lost} lost${s.mos === undefined ? '' : `, estimated MOS ${s.mos}`}`,
  };
}

// insertRow puts a row in the place that its time says.
function insertRow(rows, row) {
  const at = rows.findIndex((r) => r.offset > row.offset);
  rows.splice(at < 0 ? rows.length : at, 0, row);
}

const secondsAfter = (ms) => (Number.isFinite(ms) ? (ms / 1000).toFixed(3) : '–');

// statusOf splits '486 Busy Here (INVITE)'; null for a request.
const statusOf = (what) => /^(\d{3})\b(.*) \((\S+)\)$/.exec(what);

function kindOf(what) {
  const status = statusOf(what);
  return status ? ['provisional', 'success', 'redirection'][status[1][0] - 1] ?? 'failure' : 'request';
}

function labelOf(s, times) {
  const status = statusOf(s.what);
  const name = !status ? s.what : `${status[1]}${status[2]}${status[3] === 'INVITE' ? '' : ` to ${status[3]}`}`;
  const body = s.media ? shortMedia(s.media) : s.content_type?.split(';')[0];
  return cut(name, 80) + (times > 1 ? ` ×${times}` : '') + (body ? ` (${cut(body, 40)})` : '');
}

// shortMedia leaves out addresses, what is no codec, and what comes behind the third.
function shortMedia(media) {
  return media.split('; ').map((part) => part.split(' ').filter((w) => !/:\d+$/.test(w)).map((w, i) => {
    if (i === 0 || !w.includes(',')) return w;
    const codecs = w.split(',').filter((c) => c !== 'telephone-event' && c !== 'CN');
    return codecs.length > 3 ? `${codecs.slice(0, 3).join(',')},…` : codecs.join(',');
  }).join(' ')).join('; ');
}

// hoverOf says all that there is to know of a row, in several lines.
function hoverOf(r, columns, marks) {
  return [`${columns[r.from].name} → ${columns[r.to].name}`, r.label, r.detail, r.step && `frame ${r.frames.join(', ')}, ${stamp(r.step.time)} UTC`, r.remark,
    ...r.marks.map((m) => markOf(marks[m], m))].filter(Boolean).join('\n');
}

const markOf = (f, i) => `!${i + 1} ${f.severity} ${f.id}: ${f.observed}`;
