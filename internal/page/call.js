// One call in full.

// showCall shows a call below the table.
function showCall(data, id, focus) {
  const place = byId('call');
  const row = data.calls.find((r) => r[0] === id);
  if (!row) return replace(place);
  const full = data.full[id];
  replace(place, el('article', { class: 'call', 'aria-labelledby': 'h-call' },
    el('div', { class: 'call-head' },
      el('h3', { id: 'h-call' }, `call-${id} `, el('span', { class: 'parties' }, `${row[2]} → ${row[3]}`)),
      el('button', { type: 'button', class: 'close', onclick: () => { location.hash = '#calls'; } }, 'Close')),
    el('p', { class: 'verdict' }, row[16]),
    full ? whole(full) : el('p', { class: 'dim' }, `This call is a row of the table alone. All of it: sipsight call call-${id} FILE, or a report with a larger --max-calls.`)));
  if (focus) place.focus({ preventScroll: true });
  place.scrollIntoView({ block: 'start' });
}

function whole(full) {
  const texts = el('div', { class: 'texts' });
  const open = (i) => openRow(full, i, texts);
  return [
    facts(full.call),
    together(full.ladder, full.call.id),
    el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Ladder' }, drawLadder(full.ladder, open)),
    legend(full.ladder),
    strangers(full.ladder, full.call.id),
    callFindings(full.call.findings ?? [], full.ladder, full.call.id),
    media(full.call.media, full.courses),
    el('h4', {}, 'Messages'),
    el('p', { class: 'dim' }, 'Choose an arrow above or a line below to read the whole message. Secrets are masked.'),
    fillTexts(full, texts),
  ];
}

function facts(c) {
  const ms = (key) => seconds(c.metrics?.[key]);
  return el('dl', { class: 'facts' },
    term('Call-ID', c.call_id), term('From', c.from), term('To', c.to), term('Request-URI', c.request_uri),
    term('Path', `${c.source} → ${c.destination}, ${c.transport}`), term('Started', stamp(c.start)), term('Answered', stamp(c.answer)), term('Ended', stamp(c.end)),
    term('Post-dial delay', ms('post_dial_delay_ms')), term('Ringing', ms('ring_ms')), term('Setup', ms('setup_ms')), term('Talk', ms('talk_ms')),
    term('Final response', c.final_status ? `${c.final_status} ${c.final_reason ?? ''}` : ''), term('Ended by', c.ended_by), term('Reason', c.release_cause),
    term('User agents', (c.user_agents ?? []).join('; ')), term('Redirected to', (c.redirects ?? []).join('; ')),
    (c.transfers ?? []).map((t) => term('Transfer', `to ${t.target}${t.by ? ` by the ${t.by}` : ''}${t.result ? `, result ${t.result}` : ''}`)),
    (c.linked ?? []).map((l) => term('Linked', `${l.kind}: ${l.from ?? 'REFER in frame ' + l.refer_frame} → ${l.to}; score ${l.score}: ${l.reasons.join(', ')}`)),
    (c.legs ?? []).map((l, i) => term(`Leg ${i + 2}`, `${l.call_id}, ${l.state}${l.reasons ? `; joined by ${l.reasons.join(', ')}` : ''}`)));
}

// together tells of the other calls on the ladder of a call.
function together(l, id) {
  const others = [l, ...(l.others ?? [])].filter((x) => x.id !== id);
  return others.map((x) => el('p', { class: 'together' }, 'On this ladder too: ', el('a', { href: `#${x.id}` }, x.id), ` ${x.title}. ${x.verdict} ${x.why ?? ''}`));
}

// strangers tells of the findings on the ladder that are those of other calls.
function strangers(l, id) {
  const lines = (l.marks ?? []).flatMap((m, i) => (m.call === id ? [] : [`!${i + 1} ${m.severity} of ${m.call}: ${m.text}`]));
  return lines.length ? el('ul', { class: 'legend' }, lines.map((t) => el('li', {}, t))) : undefined;
}

// callFindings lists the findings of a call, with the numbers that they have on its ladder.
function callFindings(list, l, id) {
  if (!list.length) return undefined;
  const name = (n) => {
    const i = (l.marks ?? []).findIndex((m) => m.call === id && m.nth === n);
    return i < 0 ? undefined : `!${i + 1}`;
  };
  return el('div', {}, el('h4', {}, 'Findings'), list.map((f, n) => findingBox(f, undefined, name(n))));
}

function media(m, over) {
  if (!m) return undefined;
  const sides = new Set((m.endpoints ?? []).map((e) => e.side));
  const rows = (m.endpoints ?? []).map((e) => el('tr', {}, [e.side, e.kind, e.address, e.codecs, e.direction, e.protocol, e.frame].map((v) => el('td', {}, v))));
  return el('div', {}, streams(m.streams), courses(m.streams ?? [], over), sessions(m.sessions ?? []), el('h4', {}, 'Media, as the session descriptions say'),
    el('p', {}, `Codecs of ${sides.size === 1 ? `the ${[...sides]}` : 'both sides'}: ${(m.codecs ?? []).join(', ') || 'none'}.`, m.held_at ? ` On hold by the ${m.held_by} since ${stamp(m.held_at)}, ${m.resumed ? 'resumed later' : 'never resumed'}.` : ''),
    el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Media' }, el('table', { class: 'plain' },
      el('thead', {}, el('tr', {}, ['Side', 'Kind', 'Address', 'Codecs', 'Direction', 'Protocol', 'Frame'].map((h) => el('th', { scope: 'col' }, h)))), el('tbody', {}, rows))));
}

// streams lists the RTP streams of a call.
function streams(list) {
  if (!list?.length) return undefined;
  const heads = ['SSRC', 'From', 'To', 'Sent by', 'Codec', 'Packets', 'Lost', 'Jitter', 'MOS, estimated'];
  const rows = list.map((s) => [s.ssrc ?? s.protocol, s.source, s.destination, s.sent_by, s.codec, count(s.packets),
    `${count(s.lost ?? 0)}${s.loss_percent ? ` (${s.loss_percent} %)` : ''}`, s.mean_jitter_ms === undefined ? '' : `${s.mean_jitter_ms} ms`, s.mos]);
  return [el('h4', {}, 'RTP streams'), el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'RTP streams' }, el('table', { class: 'plain', id: 'streams' },
    el('thead', {}, el('tr', {}, heads.map((h) => el('th', { scope: 'col' }, h)))), el('tbody', {}, rows.map((r) => el('tr', {}, r.map((v) => el('td', {}, v)))))))];
}

// sessions lists media that are no RTP: faxes, messages, the floor.
function sessions(list) {
  if (!list.length) return undefined;
  const side = (c) => [c.address, c.setup, c.packets === undefined ? '' : plural(c.packets, 'packet')].filter((v) => v).join(', ');
  const rows = list.map((s) => [s.protocol, s.transport, `${s.offered_by}, frame ${s.offer_frame}`, `${s.outcome}${s.status ? ` with ${s.status}` : ''}${s.answer_frame ? `, frame ${s.answer_frame}` : ''}`, side(s.caller), side(s.callee), s.connection]);
  return [el('h4', {}, 'Fax, messages, the floor'), el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Fax, messages, the floor' }, el('table', { class: 'plain', id: 'sessions' },
    el('thead', {}, el('tr', {}, ['Protocol', 'Transport', 'Offered by', 'Outcome', 'Caller', 'Callee', 'Connection'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, rows.map((r) => el('tr', {}, r.map((v) => el('td', {}, v)))))))];
}

// fillTexts lists the messages of a call; the text of each is made when it is opened.
function fillTexts(full, texts) {
  full.ladder.rows.forEach((r) => {
    if (r.kind === 'media') return;
    const box = el('details', { class: 'text' }, el('summary', {}, el('span', { class: 'mono' }, `${r.frame}  ${r.clock}`), ` ${r.label}`,
      el('span', { class: 'dim' }, ` ${full.ladder.columns[r.from].name} → ${full.ladder.columns[r.to].name}`)));
    box.addEventListener('toggle', () => { if (box.open && box.children.length === 1) box.append(...rawTexts(full, r)); });
    texts.append(box);
  });
  return texts;
}

function rawTexts(full, r) {
  const list = (r.texts ?? []).slice(0, 1).map((i) => el('pre', { tabindex: 0, 'aria-label': 'Message' }, full.texts[i]));
  if (!list.length) list.push(el('p', { class: 'dim' }, 'The whole text is not in this report.'));
  if (r.repeats?.length) list.push(el('p', { class: 'dim' }, `Sent again at ${r.repeats.join(', ')}.`));
  return list;
}

// openRow opens the message of a row of the ladder.
function openRow(full, i, texts) {
  const n = full.ladder.rows.slice(0, i).filter((r) => r.kind !== 'media').length;
  const box = texts.children[n];
  if (!box || full.ladder.rows[i].kind === 'media') return;
  box.open = true;
  box.querySelector('summary').focus({ preventScroll: true });
  box.scrollIntoView({ block: 'nearest' });
}
