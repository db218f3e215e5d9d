// The page.

function card(name, value, note) {
  return value === '' || value === undefined ? undefined : el('div', { class: 'card' }, el('span', { class: 'value' }, value), el('span', { class: 'name' }, name), note ? el('span', { class: 'dim' }, note) : '');
}

function summary(data) {
  const s = data.summary, m = s.metrics, c = s.calls;
  const spread = (d) => (d ? `95 % up to ${seconds(d.p95)}` : '');
  replace(byId('cards'),
    card('SIP messages', count(s.messages), plural(s.packets, 'packet')),
    card('calls', count(c.total), `${count(c.answered)} answered`),
    card('failed', count(c.failed), `${count(c.abandoned)} abandoned, ${count(c.cancelled)} cancelled`),
    card('ASR', percent(m.asr_percent), 'answered of all attempts'), card('NER', percent(m.ner_percent), 'that reached somebody'),
    card('post-dial delay, median', seconds(m.post_dial_delay_ms?.median), spread(m.post_dial_delay_ms)),
    card('setup, median', seconds(m.setup_ms?.median), spread(m.setup_ms)), card('talk, median', seconds(m.talk_ms?.median), spread(m.talk_ms)),
    card('registrations', s.registrations.total ? count(s.registrations.total) : '', `${count(s.registrations.registered)} registered, ${count(s.registrations.failed)} failed`),
    card('errors', count(s.findings.error), `${plural(s.findings.warning, 'warning')}, ${plural(s.findings.note, 'note')}`));
  replace(byId('charts'), callsOverTime(s.calls_over_time), setupTimes(data.head.setup), responseCodes(s.statuses), peers(s));
}

function peers(s) {
  const list = (s.peers ?? []).slice(0, 8);
  if (list.length < 2) return undefined;
  return el('figure', {}, el('figcaption', {}, 'Busiest addresses'), el('table', { class: 'plain' },
    el('thead', {}, el('tr', {}, ['Address', 'Calls', 'ASR', 'PDD'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, list.map((p) => el('tr', {}, [p.name, count(p.calls), percent(p.metrics.asr_percent), seconds(p.metrics.post_dial_delay_ms?.median)].map((v) => el('td', {}, v)))))));
}

function alerts(head) {
  const list = [...(head.no_sip ? [head.no_sip] : []), ...head.unread];
  replace(byId('alerts'), list.length ? el('div', { class: 'alert', role: 'note' }, el('strong', {}, 'Not all is in this report'), el('ul', {}, list.map((t) => el('li', {}, t)))) : undefined,
    head.notes.length ? el('ul', { class: 'dim notes' }, head.notes.map((t) => el('li', {}, t))) : undefined);
}

function heading(data) {
  const names = data.head.files.map((f) => f.split('/').pop());
  const title = `SIP report: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
  document.title = title;
  byId('title').textContent = title;
  byId('span').textContent = data.summary.start ? `${stamp(data.summary.start)} to ${stamp(data.summary.end)} UTC` : '';
  byId('footer').textContent = `Made by sipsight ${data.head.version}. Times are UTC. Text of the capture is shown escaped.`;
}

function theme() {
  const button = byId('theme'), root = document.documentElement;
  const set = (dark) => {
    root.dataset.theme = dark ? 'dark' : 'light';
    button.setAttribute('aria-pressed', String(dark));
  };
  set(matchMedia('(prefers-color-scheme: dark)').matches);
  button.addEventListener('click', () => set(root.dataset.theme !== 'dark'));
}

// unfold opens the findings for print, and closes them again.
function unfold() {
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details.finding:not([open])')];
    for (const d of opened) d.open = true;
  });
  addEventListener('afterprint', () => { for (const d of opened) d.open = false; });
}

// follow shows the call that the address names.
function follow(data, focus) {
  const m = /^#call-(\d+)$/.exec(location.hash);
  if (m) showCall(data, Number(m[1]), focus);
  else replace(byId('call'));
}

function start() {
  theme();
  unfold();
  const data = JSON.parse(byId('data').textContent);
  heading(data);
  alerts(data.head);
  summary(data);
  findingList(data, byId('finding-list'));
  if (data.calls.length) callTable(data, byId('call-table'));
  else replace(byId('call-table'), el('p', { class: 'dim' }, 'There are no calls.'));
  registrationList(data, byId('registration-list'));
  captureList(data, byId('capture-list'));
  addEventListener('hashchange', () => follow(data, true));
  follow(data, false);
}

start();
