// Findings, registrations and captures.

function findingBox(f, link, name) {
  return el('details', { class: `finding ${f.severity}` },
    el('summary', {}, badge(f.severity, name && `${name} ${f.severity}`), ` ${f.id}`, f.title ? el('span', { class: 'dim' }, ` ${f.title}`) : '', el('span', { class: 'observed' }, f.observed)),
    el('dl', { class: 'facts' },
      term('Confidence', f.confidence), link ? term('Call', link) : [], term('Calls', (f.calls ?? []).join('; ')), term('Address', f.aor),
      term('Observed', f.observed), term('Expected', f.expected), term('Next step', f.next_step), term('Source', f.rfc),
      term('Frames', (f.frames ?? []).join(', ')), term('File', f.file), term('Wireshark', f.filter ? el('code', {}, f.filter) : ''), term('Related', (f.related ?? []).join(', '))));
}

function findingList(data, place) {
  const list = data.findings;
  if (!list.length) return replace(place, el('p', { class: 'dim' }, 'Nothing was found to be wrong.'));
  const boxes = [3, 2, 1].map((s) => {
    const name = severities[s];
    const n = list.filter((f) => f.severity === name).length;
    const input = el('input', { type: 'checkbox', id: `show-${name}`, checked: s > 1 || n === list.length, onchange: show });
    return { name, input, label: el('label', {}, input, ` ${plural(n, name)}`) };
  });
  const items = el('div');
  function show() {
    const names = boxes.filter((b) => b.input.checked).map((b) => b.name);
    const box = el('div');
    replace(items, box);
    more(box, list.filter((f) => names.includes(f.severity)), 50, (f) => findingBox(f, f.call ? el('a', { href: `#${f.call}` }, f.call) : undefined));
  }
  replace(place, el('div', { class: 'controls' }, boxes.map((b) => b.label)), items);
  show();
}

function registrationList(data, place) {
  const list = data.registrations;
  if (!list.length) return replace(place, el('p', { class: 'dim' }, 'There are no registrations.'));
  const heads = ['Address-of-record', 'From', 'Registrar', 'Outcome', 'Status', 'Tries', 'Challenges', 'Refreshes', 'Failures', 'Contacts', 'User agent', 'Frames'];
  const holder = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Registrations' });
  const search = el('input', { type: 'search', id: 'search-registrations', oninput: show });
  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = list.filter((r) => words.every((w) => `${r.aor} ${r.source} ${r.outcome} ${r.status} ${r.user_agent}`.toLowerCase().includes(w)));
    const body = el('tbody');
    replace(holder, el('table', { class: 'plain' }, el('thead', {}, el('tr', {}, heads.map((h) => el('th', { scope: 'col' }, h)))), body));
    more(body, found, 100, registrationRow);
  }
  replace(place, el('div', { class: 'controls' }, el('label', {}, 'Search ', search)), holder);
  show();
}

function registrationRow(r) {
  const contacts = (r.contacts ?? []).map((c) => `${c.uri}${c.granted_s === undefined ? '' : `, ${c.granted_s} s`}`).join('; ');
  return el('tr', {}, [r.aor, r.source, r.registrar, r.outcome, r.status, r.attempts, r.challenges, r.refreshes, r.failures, contacts, r.user_agent, `${r.first_frame} – ${r.last_frame}`]
    .map((v) => el('td', { title: String(v ?? '').length > 30 ? v : undefined }, v)));
}

function captureList(data, place) {
  replace(place, data.files.map((f) => el('div', { class: 'capture' }, el('h3', {}, f.file),
    f.error ? el('p', { class: 'alert' }, f.error) : el('dl', { class: 'facts' },
      term('Format', [f.format, f.variant, f.byte_order, f.compression].filter(Boolean).join(', ')), term('Size', `${count(f.size)} bytes`),
      term('Packets', `${count(f.packets)}${f.cut_packets ? `, ${count(f.cut_packets)} of them cut by the snaplen` : ''}`), term('Time', f.first_time ? `${stamp(f.first_time)} to ${stamp(f.last_time)} UTC` : ''),
      term('SIP messages', `${count(f.sip_messages)}${f.copies ? `, and ${count(f.copies)} copies` : ''}`),
      term('Encrypted', f.encrypted_sip_flows ? `${plural(f.encrypted_sip_flows, 'flow')} like SIP over TLS` : ''),
      term('Protocols', Object.entries(f.protocols ?? {}).map(([k, v]) => `${k} ${count(v)}`).join(', ')),
      term('Interfaces', (f.interfaces ?? []).map((i) => `${i.name ? `${i.name}: ` : ''}${i.link_type_name}, ${plural(i.packets, 'packet')}${i.drops ? `, ${count(i.drops)} drops` : ''}`).join('; ')),
      term('Made by', [f.application, f.hardware, f.os].filter(Boolean).join('; ')), term('Comments', (f.comments ?? []).join('; ')),
      term('Not read', (f.damage ?? []).map((d) => `${d.what}${d.offset === undefined ? '' : ` at byte ${count(d.offset)}`}`).join('; ')),
      term('Noted', Object.entries(f.note_counts ?? {}).map(([k, v]) => `${k} × ${count(v)}`).join(', '))))));
}
