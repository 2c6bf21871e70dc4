// The chat page of Casepilot: one module, no dependencies. Nothing here ever turns text into markup:
// every node is made with createElement and every text is a text node.

const API = '/api/v1';
const EXAMPLES = [
  'How do I fix “Too many SOQL queries: 101”?',
  'How do I reset my Salesforce password?',
  'My user cannot see a field. What should I check?',
  'How do I deploy with the Salesforce CLI?',
];
const MAX_CHARACTERS = 5_000;
const COUNT_FROM = 4_500;
const MAX_ATTACHMENTS = 5;
const MAX_FILE_BYTES = 750_000; // 1,000,000 characters once it is base64, which is what the server takes
const MAX_CODE_CHARACTERS = 50_000; // longer text travels as a file
const SILENCE_MS = 60_000; // a stream that says nothing for this long is broken
const POLL_MS = 8_000; // between looks for what people write
const POLLS = 20; // looks for an answer that broke off, 1.5 seconds apart
const PAGE_SIZE = 50;

const byId = (id) => document.getElementById(id);
const [scroller, content, log, starters, composer, text, send, jump, toastBox, notice, chips, counter] = [
  'scroller', 'content', 'log', 'starters', 'composer', 'text', 'send', 'jump', 'toast', 'notice', 'chips', 'counter',
].map(byId);

// ---------------------------------------------------------------- small tools

/** Make an element. Attributes that are null or false are left out; `on…` are listeners. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ''));
  return node;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  svg.setAttribute('class', name === 'mark' ? 'mark' : 'icon');
  svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Text as nodes. Each bidirectional control is shut into an isolate of its own, so it can be seen but does nothing. */
function plain(value) {
  return String(value)
    .split(/([\u202a-\u202e\u2066-\u2069])/)
    .map((piece, index) => (index % 2
      ? el('bdi', { class: 'control', 'data-code': `U+${piece.codePointAt(0).toString(16).toUpperCase()}` }, piece)
      : piece))
    .filter((piece) => piece !== '');
}

const characters = (value) => {
  let count = 0;
  for (const _ of value) count += 1; // code points, as the server counts
  return count;
};
const number = (value, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : '–');
const percent = (value) => (Number.isFinite(value) ? `${Math.round(value * 100)}%` : '–');
const capital = (value) => (value ? value[0].toUpperCase() + value.slice(1) : '');
const words = (value) => String(value ?? '').replaceAll('_', ' ').toLowerCase();
const size = (bytes) => (bytes < 1_000 ? `${bytes} B` : `${Math.ceil(bytes / 1_000).toLocaleString('en')} KB`);
const reduced = matchMedia('(prefers-reduced-motion: reduce)');
const coarse = matchMedia('(pointer: coarse)');

/** An id for a request or a user. Without HTTPS, randomUUID is missing, so it is built from random bytes. */
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Storage that may be full or forbidden: then nothing is remembered, and nothing breaks. */
const storage = (area) => ({
  read(key) {
    try { return window[area].getItem(key); } catch { return null; }
  },
  write(key, value) {
    try {
      if (value === null) window[area].removeItem(key);
      else window[area].setItem(key, value);
    } catch { /* not remembered */ }
  },
});
const local = storage('localStorage');
const tab = storage('sessionStorage');

// ---------------------------------------------------------------- light and dark

const THEME_KEY = 'casepilot.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

function paintTheme() {
  const chosen = local.read(THEME_KEY);
  const theme = chosen === 'dark' || chosen === 'light' ? chosen : '';
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  const isDark = theme ? theme === 'dark' : dark.matches;
  byId('theme').setAttribute('aria-label', isDark ? 'Switch to light mode' : 'Switch to dark mode');
  byId('theme').querySelector('use').setAttribute('href', isDark ? '#i-sun' : '#i-moon');
  return isDark;
}

paintTheme();
dark.addEventListener('change', paintTheme);
byId('theme').addEventListener('click', () => {
  local.write(THEME_KEY, paintTheme() ? 'light' : 'dark');
  announce(paintTheme() ? 'Dark mode' : 'Light mode');
});

// ---------------------------------------------------------------- what is remembered in this tab

const SESSION_KEY = 'casepilot.session';
const DRAFT_KEY = 'casepilot.draft';
/** token or apiKey, userId, conversationId, status, feedback by message, and the message that is on its way. */
let session = remembered();

function remembered() {
  try { return { feedback: {}, ...JSON.parse(tab.read(SESSION_KEY) ?? '{}') }; } catch { return { feedback: {} }; }
}

function remember(changes) {
  session = { ...session, ...changes };
  tab.write(SESSION_KEY, JSON.stringify(session));
}

// ---------------------------------------------------------------- talking to the server

/** A request that did not work. `status` 0: the server was not reached, or the answer broke off. */
class Problem extends Error {
  constructor(status, body = {}, retryAfter = null) {
    super(body.error || (status ? `The server answered with error ${status}.` : 'The server could not be reached.'));
    this.status = status;
    this.code = body.details?.code ?? body.code ?? '';
    this.retryAfter = retryAfter;
  }

  get isOver() {
    return this.code === 'conversation_resolved' || this.code === 'conversation_abandoned';
  }

  get mayPass() {
    return this.status === 0 || this.status === 408 || this.status === 409 || this.status >= 500;
  }
}

async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const seconds = Number(body?.retry_after ?? response.headers.get('Retry-After') ?? NaN);
  return new Problem(response.status, body ?? {}, Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null);
}

/** One request with our credentials; on 401 with a token, once more with a new session. `body` may be a function. */
async function call(method, path, { body, headers = {}, signal } = {}) {
  const once = async () => {
    const sent = typeof body === 'function' ? body() : body;
    const credentials = session.token
      ? { Authorization: `Bearer ${session.token}` }
      : session.apiKey ? { 'X-API-Key': session.apiKey } : {};
    try {
      return await fetch(API + path, {
        method,
        signal,
        cache: 'no-store',
        headers: {
          Accept: 'application/json',
          ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...credentials,
          ...headers,
        },
        body: sent === undefined ? undefined : JSON.stringify(sent),
      });
    } catch {
      throw new Problem(0);
    }
  };
  const { token } = session;
  let response = await once();
  if (response.status === 401 && token && (session.token !== token || await renewed())) response = await once();
  if (!response.ok) throw await problemOf(response);
  return response;
}

let renewal = null;
/** A new session, once for all requests that were refused at the same time. */
function renewed() {
  renewal ??= openSession().finally(() => { renewal = null; });
  return renewal;
}

const json = async (...request) => {
  const response = await call(...request);
  return response.json().catch(() => { throw new Problem(0); });
};

/** Get a token for a new, anonymous user; false when the server does not hand any out. */
async function openSession() {
  let response;
  try {
    response = await fetch(`${API}/session`, { method: 'POST', headers: { Accept: 'application/json' }, cache: 'no-store' });
  } catch {
    throw new Problem(0);
  }
  if (response.status === 404) {
    remember({ token: null });
    return false;
  }
  if (!response.ok) throw await problemOf(response);
  const opened = await response.json();
  remember({ token: opened.token, userId: opened.user_id, apiKey: null });
  return true;
}

/** The events of a server-sent stream as {type, data}, wherever the network cut it. `beat` is called at every piece. */
async function* serverEvents(stream, beat = () => {}) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let type = '';
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      beat();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/); // a last \r may be half of \r\n
      rest = lines.pop();
      if (done) lines.push(rest, '');
      for (const line of lines) {
        if (line === '') {
          if (data.length) yield { type: type || 'message', data: data.join('\n') };
          type = '';
          data = [];
        } else if (!line.startsWith(':')) {
          const colon = line.indexOf(':');
          const field = colon < 0 ? line : line.slice(0, colon);
          const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
          if (field === 'event') type = value;
          else if (field === 'data') data.push(value);
        }
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Send a message and return its MessageResponse; `on.heard`, `on.draft` and `on.delta` are told what arrives meanwhile. */
async function exchange(message, on) {
  const controller = new AbortController();
  let timer;
  const beat = () => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(), SILENCE_MS);
  };
  flight = controller;
  beat();
  try {
    const response = await call('POST', `/conversations/${session.conversationId}/messages`, {
      body: { content: message.content, attachments: message.attachments.map((a) => a.wire) },
      headers: { Accept: 'text/event-stream', 'Idempotency-Key': message.key },
      signal: controller.signal,
    });
    if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) return await response.json();
    for await (const event of serverEvents(response.body, beat)) {
      const data = JSON.parse(event.data);
      if (event.type === 'heard') on.heard(data);
      else if (event.type === 'draft') on.draft(String(data.text ?? ''));
      else if (event.type === 'delta') on.delta(String(data.text ?? ''));
      else if (event.type === 'answer') return data;
      else if (event.type === 'error') throw new Problem(data.status ?? 0, data, data.retry_after ?? null);
    }
    throw new Problem(0); // the stream ended without an answer
  } catch (error) {
    throw error instanceof Problem ? error : new Problem(0);
  } finally {
    clearTimeout(timer);
    if (flight === controller) flight = null;
  }
}

// ---------------------------------------------------------------- Markdown as nodes

const FENCE = /^(\s*)(`{3,}|~{3,})\s*([^`]*)$/;
const ITEM = /^(\s*)([-*+]|(\d{1,9})[.)])(\s+)(\S.*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.+?)\s*#*$/;
const QUOTE = /^ {0,3}>\s?(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ONLY_CITES = /^(?:\s*\[\d{1,3}\])+\s*$/;
const LANGUAGES = {
  apex: 'Apex', soql: 'SOQL', sosl: 'SOSL', bash: 'Shell', sh: 'Shell', shell: 'Shell', json: 'JSON', xml: 'XML',
  formula: 'Formula', js: 'JavaScript', javascript: 'JavaScript', html: 'HTML', css: 'CSS', sql: 'SQL', java: 'Java',
  yaml: 'YAML', python: 'Python', text: 'Text',
};

/** Markdown as a fragment. `citations` maps numbers to citations; `live` leaves out everything that can be pressed. */
function markdown(source, { citations = new Map(), live = false } = {}) {
  const fragment = document.createDocumentFragment();
  blocks(fragment, String(source).replace(/\r\n?/g, '\n').split('\n'), { citations, live, dir: 'auto' });
  return fragment;
}

/** Blocks into a parent. `dir` is 'auto' at the top only: what a list holds decides for the list as a whole. */
function blocks(parent, lines, context) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    let match;
    if (!line.trim()) {
      at += 1;
    } else if ((match = FENCE.exec(line))) {
      at = fence(parent, lines, at, match, context);
    } else if (RULE.test(line)) {
      parent.append(el('hr'));
      at += 1;
    } else if (ITEM.test(line)) {
      at = list(parent, lines, at, context);
    } else if ((match = HEADING.exec(line))) {
      const heading = el(`h${Math.min(6, Math.max(3, match[1].length + 1))}`, { dir: context.dir });
      inline(heading, match[2], context);
      parent.append(heading);
      at += 1;
    } else if (QUOTE.test(line)) {
      const quoted = [];
      while (at < lines.length && (match = QUOTE.exec(lines[at]))) { quoted.push(match[1]); at += 1; }
      const quote = el('blockquote', { dir: context.dir });
      blocks(quote, quoted, { ...context, dir: null });
      parent.append(quote);
    } else {
      const said = [];
      do { said.push(lines[at]); at += 1; } while (at < lines.length && continues(lines[at]));
      const joined = said.join('\n');
      const paragraph = el('p', { dir: context.dir, class: ONLY_CITES.test(joined) && 'cites' });
      inline(paragraph, joined.trim(), context);
      parent.append(paragraph);
    }
  }
}

/** Whether a line goes on with the paragraph before it. As in CommonMark only a list that begins at 1 ends one. */
function continues(line) {
  const item = ITEM.exec(line);
  return line.trim() !== '' && !FENCE.test(line) && !HEADING.test(line) && !QUOTE.test(line) && !RULE.test(line)
    && !(item && (item[3] === undefined || item[3] === '1'));
}

const outdent = (line, by) => line.slice(Math.min(by, line.length - line.trimStart().length));

/** Whether a line closes a fence; what follows it may only be citation markers. */
function closes(line, ticks) {
  const rest = line.trim();
  const run = /^(`+|~+)\s*((?:\[\d{1,3}\]\s*)*)$/.exec(rest);
  return run && run[1][0] === ticks[0] && run[1].length >= ticks.length ? run : null;
}

function fence(parent, lines, start, match, context) {
  const [, indent, ticks, info] = match;
  const body = [];
  let at = start + 1;
  let end = null;
  for (; at < lines.length && !end; at += 1) {
    end = closes(lines[at], ticks);
    if (!end) body.push(outdent(lines[at], indent.length));
  }
  parent.append(codeBlock(body.join('\n'), info.trim().split(/\s/)[0], context.live));
  if (end?.[2]) blocks(parent, [end[2]], context);
  return at;
}

function codeBlock(source, language, live) {
  const label = LANGUAGES[language.toLowerCase()] ?? (language ? language.slice(0, 20) : 'Code');
  const verb = el('span', {}, 'Copy');
  const copy = el('button', { type: 'button', class: 'copy', onclick: copyCode }, verb, el('span', { class: 'sr' }, ` ${label} code`));
  async function copyCode() {
    const done = await copied(source);
    verb.textContent = done ? 'Copied' : 'Not copied';
    announce(done ? 'Code copied.' : 'The code could not be copied.');
    setTimeout(() => { verb.textContent = 'Copy'; }, 2_000);
  }
  return el('figure', { class: 'code', dir: 'ltr' },
    el('figcaption', {}, el('span', {}, label), live ? null : copy),
    el('pre', { tabindex: live ? null : 0, role: 'group', 'aria-label': `${label} code` }, el('code', {}, plain(source))));
}

async function copied(source) {
  try {
    await navigator.clipboard.writeText(source);
    return true;
  } catch { // plain HTTP, or not allowed
    const area = el('textarea', { class: 'sr', 'aria-hidden': 'true' });
    const focused = document.activeElement;
    area.value = source;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return done;
  }
}

function list(parent, lines, start, context) {
  const [, indent, , first] = ITEM.exec(lines[start]);
  const ordered = first !== undefined;
  const items = [];
  let offset = 0;
  let inside = ''; // the fence that is open within the item
  let at = start;
  for (; at < lines.length; at += 1) {
    const line = lines[at];
    const item = inside ? null : ITEM.exec(line);
    const depth = line.length - line.trimStart().length;
    if (item && depth <= indent.length + 1) {
      if ((item[3] !== undefined) !== ordered || depth < indent.length) break;
      offset = item[1].length + item[2].length + Math.min(item[4].length, 4);
      items.push([item[5]]);
    } else if (inside) {
      if (closes(line, inside)) inside = '';
      items.at(-1).push(outdent(line, offset));
      continue;
    } else if (!line.trim()) {
      const next = lines.slice(at + 1).find((later) => later.trim());
      const goesOn = next !== undefined
        && (next.length - next.trimStart().length > indent.length + 1 || sameList(next, indent.length, ordered));
      if (!goesOn) break;
      items.at(-1).push('');
    } else if (depth > indent.length + 1) {
      items.at(-1).push(outdent(line, offset));
    } else if (items.at(-1).at(-1).trim() && continues(line)) {
      items.at(-1).push(line.trim());
    } else {
      break;
    }
    const opened = FENCE.exec(items.at(-1).at(-1));
    if (opened) inside = opened[2];
  }
  const node = el(ordered ? 'ol' : 'ul', { dir: context.dir, start: ordered && first !== '1' && first });
  if (ordered) node.classList.toggle('long', Number(first) + items.length > 10);
  for (const item of items) {
    const entry = el('li');
    blocks(entry, item, { ...context, dir: null });
    node.append(entry);
  }
  parent.append(node);
  return at;
}

function sameList(line, depth, ordered) {
  const item = ITEM.exec(line);
  return item !== null && (item[3] !== undefined) === ordered && Math.abs(item[1].length - depth) <= 1;
}

const MARKER = /\[(\d{1,3})\](?!\()/y;
const LINK = /!?\[([^[\]\n]*)\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"\n]*")?\s*\)/y;
const URL_TEXT = /https:\/\/[^\s<>"'`\])]+/y;
const ESCAPED = /[!-/:-@[-`{-~]/;
const sticky = (pattern, source, at) => {
  pattern.lastIndex = at;
  return pattern.exec(source);
};

function inline(parent, source, context) {
  let buffer = '';
  let nowrap = null; // the last word with its citations, which must not be parted
  const flush = () => {
    if (buffer) { parent.append(...plain(buffer)); nowrap = null; }
    buffer = '';
  };
  const add = (node) => { flush(); nowrap = null; parent.append(node); };
  let at = 0;
  while (at < source.length) {
    const c = source[at];
    const before = source[at - 1] ?? ' ';
    let match;
    if (c === '\\' && ESCAPED.test(source[at + 1] ?? '')) {
      buffer += source[at + 1];
      at += 2;
    } else if (c === '`') {
      const ticks = /^`+/.exec(source.slice(at))[0];
      const end = closingTicks(source, at + ticks.length, ticks.length);
      if (end < 0) { buffer += ticks; at += ticks.length; continue; }
      const code = source.slice(at + ticks.length, end).replaceAll('\n', ' ');
      add(el('code', { dir: 'ltr' }, plain(/^ .*\S.* $/.test(code) ? code.slice(1, -1) : code)));
      at = end + ticks.length;
    } else if (c === '*' && (match = emphasis(source, at))) {
      const node = el(match.mark === '**' ? 'strong' : 'em');
      inline(node, match.inner, context);
      add(node);
      at = match.end;
    } else if (c === '[' && !/\w/.test(before) && (match = sticky(MARKER, source, at)) && cite(Number(match[1]))) {
      at += match[0].length;
    } else if ((c === '[' || c === '!') && (match = sticky(LINK, source, at))) {
      add(link(match[2], match[1] || match[2], context, match[0]));
      at += match[0].length;
    } else if (c === 'h' && !/\w/.test(before) && (match = sticky(URL_TEXT, source, at))) {
      const address = match[0].replace(/[.,;:!?*]+$/, '');
      add(link(address, address, context, address));
      at += address.length;
    } else if (c === '\n') {
      if (/ {2}$/.test(buffer)) { buffer = buffer.trimEnd(); add(el('br')); } else buffer = `${buffer.trimEnd()} `;
      at += 1;
    } else {
      buffer += c;
      at += 1;
    }
  }
  flush();

  /** Put a citation mark behind the word before it; false when it is no citation. */
  function cite(n) {
    const cited = context.citations.get(n);
    if (!cited && !context.live) return false;
    const mark = context.live
      ? el('span', { class: 'cite', 'aria-hidden': 'true' }, String(n))
      : el('button', {
        type: 'button', class: 'cite', 'data-testid': 'citation', 'aria-haspopup': 'dialog',
        'aria-label': `Source ${n}: ${cited.title}`, title: cited.title, onclick: () => openPassage(cited),
      }, String(n));
    if (nowrap && !buffer.trim()) {
      buffer = '';
    } else {
      const trimmed = buffer.trimEnd();
      const word = /\S{1,24}$/.exec(trimmed)?.[0] ?? '';
      buffer = trimmed.slice(0, trimmed.length - word.length);
      flush();
      nowrap = el('span', { class: 'nowrap' }, plain(word));
      parent.append(nowrap);
    }
    nowrap.append(mark);
    return true;
  }
}

function closingTicks(source, from, length) {
  for (let at = source.indexOf('`', from); at >= 0; at = source.indexOf('`', at)) {
    let end = at;
    while (source[end] === '`') end += 1;
    if (end - at === length) return at;
    at = end;
  }
  return -1;
}

/** Bold or italic with asterisks. Underscores mean nothing here: Salesforce names are full of them. */
function emphasis(source, at) {
  const mark = source.startsWith('**', at) ? '**' : '*';
  const from = at + mark.length;
  if (!/[^\s*)\].,;:]/.test(source[from] ?? ' ') || (mark === '*' && /\w/.test(source[at - 1] ?? ' '))) return null;
  for (let end = source.indexOf(mark, from + 1); end > 0; end = source.indexOf(mark, end + 1)) {
    const fits = !/[\s(]/.test(source[end - 1]) && (mark === '**' || (source[end - 1] !== '*' && !/[\w*]/.test(source[end + 1] ?? ' ')));
    const ticks = source.slice(from, end).split('`').length - 1;
    if (fits && ticks % 2 === 0) return { mark, inner: source.slice(from, end), end: end + mark.length };
  }
  return null;
}

/** A link if it goes to https; anything else stays the text it was. */
function link(address, label, context, whole) {
  let target = null;
  try { target = new URL(address); } catch { /* not a link */ }
  if (target?.protocol !== 'https:') return el('span', {}, plain(whole));
  if (context.live) return el('span', { class: 'link' }, plain(label));
  return el('a', { href: target.href, target: '_blank', rel: 'noopener noreferrer', title: target.href },
    plain(label), el('span', { class: 'sr' }, ' (opens in a new tab)'));
}

// ---------------------------------------------------------------- the passage panel

const panel = byId('passage');

function openPassage(citation) {
  byId('passage-kind').textContent = `Source ${citation.number}`;
  byId('passage-title').replaceChildren(...plain(citation.title));
  byId('passage-heading').replaceChildren(...plain(citation.heading ?? ''));
  byId('passage-heading').hidden = !citation.heading;
  byId('passage-text').replaceChildren(markdown(citation.text));
  const versions = citation.api_versions;
  byId('passage-facts').replaceChildren(...pairs([
    ['Article', citation.article_id],
    ['Category', capital(words(citation.category))],
    ['API versions', !versions || versions === 'all' ? 'All versions' : [versions].flat().join(', ')],
    ['Match', Number.isFinite(citation.score) ? percent(citation.score) : null],
  ]));
  panel.showModal();
  byId('passage-body').scrollTop = 0;
}

const pairs = (rows) => rows
  .filter(([, value]) => value !== null && value !== undefined && value !== '')
  .map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', { dir: 'auto' }, value instanceof Node ? value : plain(value))));

byId('passage-close').addEventListener('click', () => panel.close());
panel.addEventListener('click', (event) => { if (event.target === panel) panel.close(); });

// ---------------------------------------------------------------- scrolling

let following = true;
let newest = null; // the customer's last message: what follows it is not scrolled past its own beginning

const distance = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;

function toEnd({ smooth = false, whole = false } = {}) {
  let top = scroller.scrollHeight - scroller.clientHeight;
  if (!whole && newest?.isConnected) {
    const start = newest.offsetTop - 16 + Math.max(0, newest.offsetHeight - scroller.clientHeight * 0.35);
    top = Math.min(top, start);
  }
  scroller.scrollTo({ top, behavior: smooth && !reduced.matches ? 'smooth' : 'instant' });
}

const follow = () => {
  if (following && newest) toEnd();
  watchEnd();
};
function watchEnd() {
  jump.hidden = distance() < 64 || !log.querySelector('.user');
}

scroller.addEventListener('scroll', () => {
  following = distance() < 64;
  watchEnd();
}, { passive: true });
new ResizeObserver(follow).observe(scroller);
new ResizeObserver(watchEnd).observe(content);
jump.addEventListener('click', () => {
  following = true;
  toEnd({ smooth: true, whole: true });
  (coarse.matches ? scroller : text).focus({ preventScroll: true });
});

// ---------------------------------------------------------------- telling

function announce(message) {
  byId('announcer').textContent = '';
  requestAnimationFrame(() => { byId('announcer').textContent = message; });
}

let toastTimer;
/** One notice at a time. Errors and offers stay until they are closed. */
function toast(message, { error = false, action = null } = {}) {
  clearTimeout(toastTimer);
  toastBox.classList.toggle('error', error);
  toastBox.replaceChildren(
    el('span', { class: 'toast-text', dir: 'auto' }, plain(message)),
    ...(action ? [el('button', { type: 'button', class: 'plain', onclick: () => { untoast(); action.run(); } }, action.label)] : []),
    el('button', { type: 'button', class: 'tool small', 'aria-label': 'Dismiss', onclick: untoast }, icon('close')));
  if (!error && !action) toastTimer = setTimeout(untoast, 6_000);
}

function untoast() {
  clearTimeout(toastTimer);
  const held = toastBox.contains(document.activeElement);
  toastBox.replaceChildren();
  if (held) text.focus();
}

// ---------------------------------------------------------------- messages

let shown = new Set(); // ids of the messages on the page
let flight = null; // what can be called off
let epoch = 0; // grows when the page turns to another conversation; late answers of the one before are dropped

const clock = (at) => {
  const date = new Date(at ?? Date.now());
  const label = Number.isNaN(date.getTime()) ? '' : date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return label ? el('time', { datetime: date.toISOString() }, label) : null;
};

/** Plain text as paragraphs and code blocks: what stands between ``` fences keeps its shape. */
function customerText(source) {
  const pieces = source.replace(/\r\n?/g, '\n').split(/^```([^\n`]*)\n([\s\S]*?)\n?```[ \t]*$/m);
  const nodes = [];
  for (let at = 0; at < pieces.length; at += 3) {
    const said = pieces[at].replace(/^\n+|\s+$/g, '');
    if (said) nodes.push(el('div', { class: 'said', dir: 'auto' }, plain(said)));
    if (at + 1 < pieces.length) nodes.push(codeBlock(pieces[at + 2], pieces[at + 1].trim(), false));
  }
  return nodes;
}

function customerMessage(said, { names = [], at } = {}) {
  const node = el('article', { class: 'message user', 'data-testid': 'message-user' },
    el('h2', { class: 'sr' }, 'You'),
    el('div', { class: 'bubble' }, customerText(said),
      names.length ? el('ul', { class: 'sent-files', 'aria-label': 'Attachments' }, names.map((name) => el('li', {}, icon('attach'), el('bdi', {}, plain(name))))) : null),
    el('p', { class: 'stamp' }, clock(at)));
  node.said = said;
  return node;
}

const byline = (name, at, mark = 'mark') => el('header', { class: 'by' },
  mark === 'mark' ? icon('mark') : el('span', { class: 'face' }, icon(mark)), el('h2', {}, name), clock(at));

function agentMessage(answer, { at, last = false } = {}) {
  const citations = new Map((answer.citations ?? []).map((citation) => [citation.number, citation]));
  const body = el('div', { class: 'prose' }, markdown(answer.response ?? '', { citations }));
  const handedOver = answer.requires_escalation || answer.response_type === 'escalation';
  return el('article', { class: `message agent${handedOver ? ' handed' : ''}`, 'data-testid': 'message-agent' },
    byline('Casepilot', at),
    handedOver ? banner(answer, body) : body,
    sources(citations),
    answer.disclaimer ? el('p', { class: 'disclaimer', dir: 'auto' }, plain(answer.disclaimer)) : null,
    footer(answer),
    why(answer),
    last ? actions(answer) : null);
}

function banner(answer, body) {
  const waiting = answer.why?.outcome === 'acknowledged';
  return el('div', { class: 'handover' },
    el('p', { class: 'handover-title' }, icon('person'), waiting ? 'A person has this conversation' : 'A person takes over'),
    body,
    answer.escalation_reason
      ? el('p', { class: 'handover-reason', dir: 'auto' }, el('span', {}, 'Reason: '), plain(answer.escalation_reason)) : null);
}

function sources(citations) {
  if (!citations.size) return null;
  const all = [...citations.values()];
  const name = ({ title, heading }) => (heading && all.filter((other) => other.title === title).length > 1 ? heading : title);
  return el('div', { class: 'sources', role: 'group', 'aria-label': 'Sources' },
    el('ul', {}, all.map((citation) => el('li', {},
      el('button', { type: 'button', class: 'source', 'aria-haspopup': 'dialog', 'data-testid': 'source', onclick: () => openPassage(citation) },
        el('span', { class: 'cite', 'aria-hidden': 'true' }, String(citation.number)),
        el('span', { class: 'sr' }, `Source ${citation.number}: `),
        el('bdi', {}, plain(name(citation))))))));
}

function level(confidence) {
  if (confidence >= 0.75) return 'High';
  return confidence >= 0.5 ? 'Medium' : 'Low';
}

/** The line under an answer: its type, how sure we are, how long it took, and two thumbs. */
function footer(answer) {
  const sure = level(answer.confidence);
  const took = Number.isFinite(answer.processing_time_ms)
    ? `${answer.processing_time_ms < 1 ? '< 1' : Math.round(answer.processing_time_ms).toLocaleString('en')} ms` : null;
  const thanks = el('span', { class: 'thanks' });
  const up = thumb(true);
  const down = thumb(false);
  const foot = el('footer', { class: 'foot', 'aria-live': 'off' },
    el('p', { class: 'meta' },
      el('span', {}, capital(words(answer.response_type))),
      Number.isFinite(answer.confidence)
        ? el('span', { class: sure.toLowerCase() }, el('i', { class: 'level' }), `${sure} confidence, ${percent(answer.confidence)}`) : null,
      took ? el('span', {}, took) : null),
    el('div', { class: 'thumbs', role: 'group', 'aria-label': 'Was this helpful?' }, thanks, up, down));

  function thumb(helpful) {
    return el('button', {
      type: 'button', class: 'tool small', 'aria-label': helpful ? 'Helpful' : 'Not helpful',
      'aria-pressed': String(session.feedback[answer.id] === helpful),
      'data-testid': helpful ? 'thumbs-up' : 'thumbs-down', onclick: () => rate(helpful),
    }, icon(helpful ? 'up' : 'down'));
  }

  function press(helpful) {
    up.setAttribute('aria-pressed', String(helpful === true));
    down.setAttribute('aria-pressed', String(helpful === false));
  }

  async function rate(helpful, comment) {
    const before = session.feedback[answer.id];
    press(helpful);
    try {
      await call('POST', `/conversations/${session.conversationId}/feedback`, {
        body: { message_id: answer.id, helpful, ...(comment ? { comment } : {}) },
      });
    } catch (problem) {
      press(before);
      toast(`Your rating was not saved. ${problem.message}`, { error: true });
      return false;
    }
    remember({ feedback: { ...session.feedback, [answer.id]: helpful } });
    thanks.textContent = 'Thank you';
    announce(comment ? 'Thank you, your comment was sent.' : 'Thank you for your feedback.');
    foot.parentElement?.querySelector('.comment')?.remove();
    if (!helpful && !comment) foot.after(commentForm());
    follow();
    return true;
  }

  function commentForm() {
    const field = el('input', { type: 'text', maxlength: 500, dir: 'auto', 'aria-label': 'What was missing? (optional)', placeholder: 'What was missing? (optional)' });
    const form = el('form', { class: 'comment', onsubmit: async (event) => {
      event.preventDefault();
      if (!field.value.trim() || await rate(false, field.value.trim())) closeForm();
    } }, field, el('button', { type: 'submit', class: 'plain' }, 'Send'));
    form.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') { event.stopPropagation(); closeForm(); }
    });
    const closeForm = () => {
      const held = form.contains(document.activeElement) || document.activeElement === document.body;
      form.remove();
      if (held) down.focus();
    };
    return form;
  }

  return foot;
}

function systemMessage(said, { greeting = false, at } = {}) {
  const body = el('div', { class: 'prose' }, markdown(said));
  return greeting
    ? el('article', { class: 'message agent greeting', 'data-testid': 'message-system' }, byline('Casepilot', at), body)
    : el('article', { class: 'message system', 'data-testid': 'message-system' }, body);
}

function personMessage(said, at) {
  return el('article', { class: 'message agent person', 'data-testid': 'message-agent' },
    byline('Support team', at, 'person'), el('div', { class: 'prose' }, customerText(said)));
}

/** Show a stored message, unless it is there. True when it is new. */
function show(item, last) {
  const id = item.answer?.id ?? item.id;
  if (shown.has(id) || shown.has(item.id)) return false;
  if (item.sender_type === 'user') {
    const mine = [...log.querySelectorAll('.user')].find((node) => !node.messageId && node.said === item.content);
    if (mine) {
      mine.messageId = item.id;
      shown.add(item.id);
      return false;
    }
  }
  shown.add(id).add(item.id);
  const at = item.created_at;
  let node;
  if (item.sender_type === 'user') {
    node = customerMessage(item.content, { at, names: (item.attachments ?? []).map((file) => file.mime_type || file.type) });
    node.messageId = item.id;
    newest = node;
  } else if (item.sender_type === 'human_agent') {
    node = personMessage(item.content, at);
  } else if (item.sender_type === 'ai_agent') {
    node = agentMessage(item.answer ?? { id: item.id, response: item.content }, { at, last });
  } else {
    node = systemMessage(item.content, { greeting: !log.querySelector('.message'), at });
  }
  log.append(node);
  return true;
}

const say = (said) => {
  log.append(systemMessage(said));
  follow();
};

// ---------------------------------------------------------------- suggested actions

function actions(answer) {
  const offered = (answer.suggested_actions ?? []).filter(Boolean);
  if (!offered.length || session.status === 'resolved') return null;
  return el('div', { class: 'actions', role: 'group', 'aria-label': 'What next?', 'aria-live': 'off' },
    offered.map((label, at) => el('button', { type: 'button', class: 'action', dir: 'auto', 'data-testid': 'suggested-action', onclick: () => act(label, offered.length - at, answer) }, plain(label))));
}

const dropActions = () => log.querySelectorAll('.actions').forEach((node) => node.remove());

/** The last action asks for a person, the one before closes or rephrases; what stands before is a reply. */
function act(label, fromTheEnd, answer) {
  if (fromTheEnd === 1) move('escalate', { reason: 'The customer asked for a person.' });
  else if (fromTheEnd > 2) submit(label);
  else if (answer.why?.outcome === 'answered') move('resolve', {});
  else text.focus();
}

/** Hand over to people, or close as solved. */
async function move(verb, body) {
  const mine = epoch;
  const buttons = [...log.querySelectorAll('.action')];
  if (buttons.some((button) => button.getAttribute('aria-disabled') === 'true')) return;
  buttons.forEach((button) => button.setAttribute('aria-disabled', 'true'));
  try {
    const conversation = await json('POST', `/conversations/${session.conversationId}/${verb}`, { body });
    if (mine !== epoch) return;
    dropActions();
    remember({ status: conversation.status ?? (verb === 'resolve' ? 'resolved' : 'escalated') });
    following = true;
    const told = await sync().catch(() => 0);
    if (mine !== epoch) return;
    if (!told && verb === 'escalate') say('A person takes over from here. They can read everything above, and you can add to it.');
    paintStatus();
    follow();
    if (verb === 'resolve') byId('restart').focus();
    else text.focus();
  } catch (problem) {
    if (mine !== epoch) return;
    buttons.forEach((button) => button.removeAttribute('aria-disabled'));
    if (problem.isOver) {
      remember({ status: problem.code.replace('conversation_', '') });
      dropActions();
      paintStatus();
    } else {
      toast(`That did not work. ${problem.message}`, { error: true, action: { label: 'Try again', run: () => move(verb, body) } });
    }
  }
}

// ---------------------------------------------------------------- why this answer

const OUTCOMES = {
  answered: 'Answered from the knowledge base',
  clarified: 'Asked back, to be sure what is meant',
  declined: 'Found nothing that fits, and said so',
  escalated: 'Handed over to a person',
  small_talk: 'A short, friendly reply',
  acknowledged: 'Passed on to the person who has this conversation',
};
const ROUTES = {
  extractive: 'Composed only of sentences from the passages below',
  'fixed text': 'A prepared text',
};
const OPERATORS = {
  '==': 'is', '!=': 'is not', '<': '<', '<=': '≤', '>': '>', '>=': '≥', in: 'is one of', not_in: 'is none of',
  contains: 'contains', starts_with: 'starts with',
};

function why(answer) {
  const reasons = answer.why;
  if (!reasons) return null;
  const summary = el('summary', {}, 'Why this answer');
  const fold = el('details', { class: 'why', 'data-testid': 'why', 'aria-live': 'off' }, summary);
  fold.append(el('div', { class: 'why-body' },
    section('What happened', happened(reasons)),
    section('How sure', bars(reasons.confidence)),
    section('What was understood', understood(answer, reasons)),
    section('Rules', ...rulesOf(reasons)),
    section('Passages considered', considered(reasons.passages ?? []))));
  return fold;
}

const section = (title, ...nodes) => el('section', {}, el('h3', {}, title), nodes);
const described = (known, raw) => (known[raw] ? `${known[raw]} (${words(raw)})` : capital(words(raw)));

const happened = (reasons) => el('dl', { class: 'facts' }, pairs([
  ['Outcome', described(OUTCOMES, reasons.outcome)],
  ['Route', described(ROUTES, reasons.route)],
  ['Searched for', reasons.question],
]));

function bars(confidence) {
  if (!confidence) return el('p', {}, 'Nothing was measured.');
  const rows = [
    ['Overall', confidence.value, 'how likely this answers the question'],
    ['Meaning', confidence.cosine, 'how close the best passage is to the question'],
    ['Words', confidence.coverage, 'how much of the question the best passage covers'],
    ['Support', confidence.support, 'how much of the answer a passage backs'],
  ].filter(([, value]) => Number.isFinite(value));
  return el('ul', { class: 'bars' }, rows.map(([name, value, meaning]) => el('li', {},
    el('span', { class: 'bar-name' }, name),
    el('meter', { min: 0, max: 1, low: 0.5, high: 0.75, optimum: 1, value: Math.min(1, Math.max(0, value)), 'aria-label': `${name}: ${meaning}` }, percent(value)),
    el('span', { class: 'bar-value' }, number(value)),
    el('span', { class: 'bar-meaning' }, meaning))));
}

function languageName(code) {
  try { return new Intl.DisplayNames(['en'], { type: 'language' }).of(code); } catch { return code; }
}

function understood(answer, reasons) {
  const { sentiment: mood, entities = [] } = answer;
  const facts = reasons.facts ?? {};
  const sure = facts.intent_confidence;
  const found = entities.length
    ? el('ul', { class: 'entities' }, entities.map((entity) => el('li', {},
      el('span', {}, capital(words(entity.type))), el('bdi', {}, plain(entity.value || entity.text)))))
    : 'None';
  const all = Object.entries(facts);
  return [
    el('dl', { class: 'facts' }, pairs([
      ['Intent', answer.intent ? capital(words(answer.intent)) + (Number.isFinite(sure) ? `, ${percent(sure)} sure` : '') : 'Unknown'],
      ['Language', answer.language ? languageName(answer.language) : 'Unknown'],
      ['Sentiment', mood ? `${capital(words(mood.emotion)) || 'Neutral'}, score ${number(mood.score)}, intensity ${number(mood.intensity, 1)} of 5` : 'Unknown'],
      ['Entities', found],
    ])),
    all.length ? el('details', { class: 'all-facts' }, el('summary', {}, `All ${all.length} facts`),
      el('dl', { class: 'facts' }, pairs(all.map(([name, value]) => [capital(words(name)), worded(value)])))) : null,
  ].filter(Boolean);
}

function worded(value) {
  if (value === null || value === undefined) return 'unknown';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(Number(value.toFixed(3)));
  if (Array.isArray(value)) return value.length ? value.map(worded).join(', ') : 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function rulesOf(reasons) {
  const { rules } = reasons;
  if (!rules) return [el('p', {}, 'No rules were asked.')];
  const { directive = {}, fired = [], near = [] } = rules;
  const ordered = directive?.queue ? el('dl', { class: 'facts' }, pairs([
    ['Queue', directive.queue],
    ['Priority', capital(directive.priority)],
    ['First response', directive.sla_minutes ? `within ${directive.sla_minutes} minutes` : null],
    ['Told', directive.notify?.join(', ')],
    ['Tags', directive.tags?.join(', ')],
  ])) : null;
  return [
    el('h4', {}, 'Fired'),
    fired.length ? el('ul', { class: 'rules' }, fired.map(ruleOf)) : el('p', {}, 'No rule fired.'),
    ordered,
    near.length ? el('h4', {}, 'Nearly fired: all but one check holds') : null,
    near.length ? el('ul', { class: 'rules' }, near.map(ruleOf)) : null,
    reasons.ruleset ? el('p', { class: 'fine' }, 'Rule set ', el('code', { title: reasons.ruleset }, reasons.ruleset.slice(0, 12))) : null,
  ].filter(Boolean);
}

function ruleOf(rule) {
  return el('li', {},
    el('p', { class: 'rule-name', dir: 'auto' }, plain(rule.name), ' ', el('code', {}, plain(rule.rule))),
    el('ul', { class: 'checks' }, (rule.checks ?? []).map((check) => {
      const [kind, sign, spoken] = check.holds === true ? ['yes', '✓', 'Holds: ']
        : check.holds === false ? ['no', '✗', 'Does not hold: '] : ['open', '?', 'Unknown: '];
      const wanted = check.operator === 'exists'
        ? (check.value ? 'is known' : 'is not known')
        : `${OPERATORS[check.operator] ?? check.operator} ${worded(check.value)}`;
      return el('li', { class: kind },
        el('span', { class: 'sign', 'aria-hidden': 'true' }, sign), el('span', { class: 'sr' }, spoken),
        el('span', { dir: 'auto' }, plain(`${words(check.field)} ${wanted}`), el('span', { class: 'was' }, plain(`, was ${worded(check.actual)}`))));
    })));
}

function considered(passages) {
  if (!passages.length) return el('p', {}, 'None.');
  const head = ['Passage', 'Score', 'Words (BM25)', 'Meaning', 'Coverage'];
  return el('div', { class: 'table', role: 'group', tabindex: 0, 'aria-label': 'Passages considered, with their numbers' },
    el('table', {},
      el('thead', {}, el('tr', {}, head.map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, passages.map((passage) => el('tr', {},
        el('th', { scope: 'row' }, el('bdi', {}, plain(passage.title)), el('span', { class: 'passage-id' }, plain(passage.passage_id))),
        [passage.score, passage.bm25, passage.cosine, passage.coverage].map((value) => el('td', {}, number(value))))))));
}

// ---------------------------------------------------------------- a conversation's life

let tail = null; // the cursor that led to the last page
let pollTimer;
let pollsLeft = 0;
let orphan = null; // a message that was heard while its answer did not reach us
let ready = false; // whether there is a conversation to write to

/** The messages from a cursor on, oldest first. */
async function history(from = null) {
  const items = [];
  let cursor = from;
  for (let page = 0; page < 100; page += 1) {
    const query = `?limit=${PAGE_SIZE}${cursor ? `&after=${encodeURIComponent(cursor)}` : ''}`;
    const found = await json('GET', `/conversations/${session.conversationId}/messages${query}`);
    items.push(...(found.items ?? []));
    tail = cursor;
    cursor = found.next ?? null;
    if (!cursor) break;
  }
  return items;
}

async function startConversation() {
  const conversation = await json('POST', '/conversations', { body: () => ({ user_id: session.userId, channel: 'web' }) });
  remember({ conversationId: conversation.id, status: conversation.status ?? 'active', pending: null });
}

/** Show what was said since we last looked; returns how many messages are new. */
async function sync() {
  const mine = epoch;
  const items = await history(tail);
  if (mine !== epoch) return 0;
  const fresh = items.filter((item) => show(item, item === items.at(-1)));
  if (fresh.some((item) => item.answer?.requires_escalation)) remember({ status: 'escalated' });
  const told = fresh.filter((item) => item.sender_type !== 'user').length;
  if (told && orphan) {
    remember({ pending: null });
    settle(orphan);
    typing(false);
    untoast();
  }
  if (fresh.length) follow();
  return told;
}

/** Look for what people write, and for an answer that was still being written when the page was loaded again. */
function poll() {
  clearTimeout(pollTimer);
  if (session.status !== 'escalated' && pollsLeft <= 0) return;
  const mine = epoch;
  pollTimer = setTimeout(async () => {
    if (mine !== epoch) return;
    if (!flight && navigator.onLine && document.visibilityState === 'visible') {
      pollsLeft -= 1;
      await sync().catch(() => 0); // if that did not work, next time
      if (mine !== epoch) return;
      if (orphan && pollsLeft <= 0 && !flight) {
        typing(false);
        if (!orphan.note) failed(orphan, 'No answer came so far. Your message is kept here.', 'No answer yet');
        orphan = null;
      }
      paintStatus();
    }
    poll();
  }, pollsLeft > 0 ? 1_500 : POLL_MS);
}

function paintStatus() {
  const over = session.status === 'resolved' || session.status === 'abandoned';
  composer.hidden = over || !ready;
  byId('closed').hidden = !over || !ready;
  byId('closed-title').textContent = session.status === 'abandoned' ? 'This conversation has ended.' : 'Solved. Glad that worked!';
  text.placeholder = session.status === 'escalated' ? 'Write to the team' : 'Ask about Salesforce';
  byId('new').hidden = !ready;
  starters.hidden = !ready || over || Boolean(log.querySelector('.user'));
}

/** Find out who we are, find or begin the conversation, and show it. */
async function begin() {
  epoch += 1;
  byId('unreachable').hidden = byId('key-form').hidden = true;
  try {
    if (!session.token && !session.apiKey && !await openSession()) {
      askForKey();
      return;
    }
    if (session.conversationId) {
      try {
        await restore();
        return;
      } catch (problem) {
        if (problem.status !== 404 && problem.status !== 403) throw problem;
      }
    }
    await startConversation();
    await restore();
  } catch (problem) {
    if (problem.status === 401 && !session.token) {
      const refused = Boolean(session.apiKey);
      remember({ apiKey: null });
      askForKey(refused ? 'That key was not accepted.' : '');
    } else {
      unreachable(problem);
    }
  }
}

async function restore() {
  const mine = ++epoch;
  typing(false);
  const [items, conversation] = await Promise.all([
    history(),
    json('GET', `/conversations/${session.conversationId}`).catch(() => null), // it may have ended meanwhile
  ]);
  if (mine !== epoch) return;
  if (conversation?.status) remember({ status: conversation.status });
  shown = new Set();
  newest = null;
  log.replaceChildren();
  unsent = null;
  orphan = null;
  pollsLeft = 0;
  ready = true;
  log.setAttribute('aria-busy', 'true'); // what was said before is not read out again
  items.forEach((item, index) => show(item, index === items.length - 1));
  revive(items);
  paintStatus();
  following = true;
  if (log.querySelector('.user')) toEnd({ whole: true });
  else scroller.scrollTop = 0;
  watchEnd();
  requestAnimationFrame(() => log.removeAttribute('aria-busy'));
  if (orphan) {
    pollsLeft = POLLS;
    typing(true);
  }
  poll();
  if (!coarse.matches && (document.activeElement === document.body || document.activeElement === null)) text.focus();
}

/** Bring back a message that was on its way when the page was left. What was attached to it is gone. */
function revive(items) {
  const kept = session.pending;
  if (!kept) return;
  const message = { content: kept.content, key: kept.key ?? uuid(), attachments: [] };
  const heard = items.filter((item) => item.sender_type === 'user').at(-1);
  if (heard?.content !== kept.content) {
    message.node = customerMessage(message.content);
    log.append(message.node);
    newest = message.node;
    failed(message, 'Your last message was not sent yet. It is kept here.');
  } else if (heard === items.at(-1)) {
    message.node = newest;
    message.heard = true;
    orphan = message;
  } else {
    remember({ pending: null });
  }
}

function unreachable(problem) {
  ready = false;
  paintStatus();
  const wait = problem.retryAfter ? ` Please wait ${problem.retryAfter} seconds.` : '';
  byId('unreachable-reason').textContent = navigator.onLine
    ? `${problem.message}${wait} Nothing you wrote is lost.`
    : 'You seem to be offline. This page goes on when you are back.';
  byId('unreachable').hidden = false;
  announce('Casepilot cannot be reached right now.');
}

function askForKey(reason = '') {
  ready = false;
  paintStatus();
  log.replaceChildren();
  byId('key-form').hidden = false;
  byId('key-error').textContent = reason;
  byId('key').toggleAttribute('aria-invalid', Boolean(reason));
  byId('key').focus();
}

byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const apiKey = byId('key').value.trim();
  if (!apiKey) return;
  byId('key').value = '';
  remember({ apiKey, token: null, userId: session.userId ?? uuid() });
  begin();
});
byId('try-again').addEventListener('click', begin);

let turning = false;

/** Begin anew. An open conversation stays as it is, with its own user: it is not ours to call it solved. */
async function anew() {
  if (turning) return;
  if (!log.querySelector('.user')) {
    text.focus();
    return;
  }
  const before = session;
  const closed = before.status === 'resolved' || before.status === 'abandoned';
  epoch += 1;
  flight?.abort();
  flight = null;
  idle();
  turning = true;
  try {
    remember({ pending: null });
    await startConversation();
    if (session.conversationId === before.conversationId) {
      if (session.token) await openSession();
      else remember({ userId: uuid() });
      await startConversation();
    }
    await restore();
    text.focus();
    if (closed) return;
    toast('This is a new conversation.', { action: { label: 'Back to the last one', run: () => { remember(before); begin(); } } });
  } catch (problem) {
    remember(before);
    toast(`No new conversation could be started. ${problem.message}`, { error: true, action: { label: 'Try again', run: anew } });
    poll();
  } finally {
    turning = false;
  }
}

byId('new').addEventListener('click', anew);
byId('restart').addEventListener('click', anew);

// ---------------------------------------------------------------- sending

let busy = false;
let typingNode = null;

function typing(on) {
  typingNode?.remove();
  typingNode = null;
  if (!on) return;
  typingNode = el('article', { class: 'message agent typing', 'aria-live': 'off' },
    byline('Casepilot'), el('p', { class: 'dots' }, el('span', { class: 'sr' }, 'Casepilot is writing'), el('i'), el('i'), el('i')));
  typingNode.querySelector('time')?.remove();
  log.append(typingNode);
}

function idle() {
  busy = false;
  typing(false);
  paintSend();
}

/** Deliver a message that stands in the log, and show the answer or what can be done about it. */
async function deliver(message) {
  const mine = epoch;
  busy = true;
  paintSend();
  clearTimeout(pollTimer);
  settle(message);
  remember({ pending: { content: message.content, key: message.attachments.length ? null : message.key } });
  typing(true);
  announce('Casepilot is writing.');
  follow();
  const stream = liveAnswer(mine);
  try {
    const answer = await exchange(message, {
      heard: (data) => {
        if (mine !== epoch) return;
        message.heard = true;
        message.node.messageId = data.message_id;
        shown.add(data.message_id);
      },
      draft: (whole) => { if (mine === epoch) stream.draft(whole); },
      delta: (piece) => { if (mine === epoch) stream.add(piece); },
    });
    if (mine !== epoch) return;
    remember({ pending: null });
    remember({ status: answer.status ?? (answer.requires_escalation ? 'escalated' : session.status) });
    const known = shown.has(answer.id);
    shown.add(answer.id);
    stream.stop();
    idle();
    if (!known) log.append(agentMessage(answer, { last: true }));
    paintStatus();
    follow();
    poll();
  } catch (problem) {
    if (mine !== epoch) return;
    stream.stop();
    idle();
    await recover(message, problem);
    poll();
  }
}

/**
 * The answer while it is being written: drawn at most once a frame, and not read out until it is whole.
 * A draft stands until the first piece of the text that replaces it.
 */
function liveAnswer(mine) {
  let source = '';
  let drafted = false;
  let body = null;
  let frame = 0;
  const draw = () => {
    frame = 0;
    if (mine !== epoch || !body) return;
    body.replaceChildren(markdown(source, { live: true }));
    follow();
  };
  return {
    draft(whole) {
      this.add(whole);
      drafted = true;
      body?.classList.add('draft');
    },
    add(piece) {
      source = drafted ? piece : source + piece;
      drafted = false;
      body?.classList.remove('draft');
      if (!source.trim()) return;
      if (!body && typingNode) {
        body = el('div', { class: 'prose' });
        typingNode.querySelector('.dots').replaceWith(body);
        typingNode.classList.replace('typing', 'writing');
      }
      frame ||= requestAnimationFrame(draw);
    },
    stop() { cancelAnimationFrame(frame); body = null; },
  };
}

async function recover(message, problem) {
  const lost = problem.status === 404 || problem.status === 403;
  if ((problem.isOver || lost) && !message.moved) {
    await moveOver(message);
  } else if (problem.status === 429) {
    takeBack(message);
    hold(problem.retryAfter ?? 10);
  } else if (problem.status === 401) {
    failed(message, 'You are signed out. Your message is kept here.');
    if (!session.token) { remember({ apiKey: null }); askForKey('Please enter your key again.'); }
  } else if (problem.code === 'request_in_flight' || (message.heard && problem.mayPass)) {
    failed(message, 'The answer broke off. Your message is kept, and the answer is shown as soon as it is there.', 'Answer interrupted');
    orphan = message;
    pollsLeft = POLLS;
  } else if (problem.mayPass) {
    failed(message, problem.status === 503 || problem.status === 0
      ? `${navigator.onLine ? 'Casepilot cannot be reached right now.' : 'You are offline.'} Your message is kept here.`
      : `${problem.message} Your message is kept here.`);
  } else {
    takeBack(message);
    toast(problem.message, { error: true });
  }
}

/** The conversation ended meanwhile: go on in a new one, with the same message. */
async function moveOver(message) {
  const mine = ++epoch;
  message.moved = true;
  message.key = uuid(); // another conversation is another request
  try {
    await startConversation();
    const items = await history();
    if (mine !== epoch) return;
    items.forEach((item) => shown.add(item.id));
    dropActions();
    message.node.before(systemMessage('The last conversation had ended. This is a new one.'));
    following = true;
    await deliver(message);
  } catch {
    if (mine === epoch) failed(message, 'A new conversation could not be started. Your message is kept here.');
  }
}

function failed(message, reason, label = 'Not sent yet') {
  message.node.classList.add('unsent');
  message.note?.remove();
  message.note = el('div', { class: 'retry', 'aria-live': 'off' },
    el('span', {}, label),
    el('button', { type: 'button', class: 'plain', 'data-testid': 'retry', onclick: () => again(message) }, 'Try again'),
    el('button', { type: 'button', class: 'plain', onclick: () => takeBack(message) }, 'Edit'));
  message.node.append(message.note);
  unsent = message;
  follow();
  toast(reason, { error: true });
}

let unsent = null;

/** Send a message again under the same key. One that was heard may have its answer by now. */
async function again(message) {
  if (busy) return;
  untoast();
  text.focus({ preventScroll: true });
  if (message.heard) {
    busy = true;
    const found = await sync().catch(() => 0);
    busy = false;
    if (found) return;
  }
  settle(message);
  log.append(message.node);
  newest = message.node;
  following = true;
  deliver(message);
}

/** The message needs nothing more: take its note away. */
function settle(message) {
  message.note?.remove();
  message.note = null;
  message.node.classList.remove('unsent');
  if (unsent === message) unsent = null;
  if (orphan === message) {
    orphan = null;
    pollsLeft = 0;
  }
}

/** Put a message back where it was written. */
function takeBack(message) {
  settle(message);
  message.node.remove();
  remember({ pending: null });
  text.value = [message.content, text.value].filter((piece) => piece.trim()).join('\n\n');
  files = [...message.attachments, ...files].slice(0, MAX_ATTACHMENTS);
  paintFiles();
  typed();
  paintStatus();
  text.focus();
}

let heldUntil = 0;
let holdTimer;
function hold(seconds) {
  heldUntil = Date.now() + seconds * 1_000;
  toast(`That was quick! Your text is kept, you can send it in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`);
  clearInterval(holdTimer);
  const tick = () => {
    const left = Math.ceil((heldUntil - Date.now()) / 1_000);
    notice.hidden = left <= 0;
    notice.textContent = `You can send again in ${left} s`;
    if (left <= 0) {
      clearInterval(holdTimer);
      untoast();
      announce('You can send again.');
    }
    paintSend();
  };
  tick();
  holdTimer = setInterval(tick, 250);
}

function submit(said = null) {
  const content = (said ?? text.value).replace(/^\s*\n|\s+$/g, '');
  if (busy || !ready || Date.now() < heldUntil) {
    if (busy && content) announce('Casepilot is still writing. Your text is kept.');
    return;
  }
  if (!content) {
    if (files.length) toast('Add a few words about what you attached.');
    text.focus();
    return;
  }
  const over = characters(content) - MAX_CHARACTERS;
  if (over > 0) {
    toast(`Your message is ${over.toLocaleString('en')} characters too long. Shorten it, or attach the rest as a file.`, { error: true });
    text.focus();
    return;
  }
  untoast();
  dropActions();
  const message = { content, key: uuid(), attachments: said ? [] : files };
  message.node = customerMessage(content, { names: message.attachments.map((file) => file.name) });
  log.append(message.node);
  newest = message.node;
  following = true;
  if (!said) {
    text.value = '';
    files = [];
    paintFiles();
    typed();
  }
  paintStatus();
  deliver(message);
}

// ---------------------------------------------------------------- the composer

const grows = CSS.supports('field-sizing', 'content');

function typed() {
  if (!grows) {
    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight + 2}px`;
  }
  tab.write(DRAFT_KEY, text.value || null);
  const count = text.value.length > COUNT_FROM - 1 ? characters(text.value) : 0;
  counter.hidden = count < COUNT_FROM;
  counter.classList.toggle('over', count > MAX_CHARACTERS);
  counter.textContent = counter.hidden ? '' : `${count.toLocaleString('en')} / ${MAX_CHARACTERS.toLocaleString('en')}`
    + (count > MAX_CHARACTERS ? ', too long' : '');
  text.toggleAttribute('aria-invalid', count > MAX_CHARACTERS);
  paintSend();
}

/** The button keeps its focus while nothing can be sent, so it is marked rather than disabled. */
function paintSend() {
  const can = ready && !busy && Date.now() >= heldUntil && text.value.trim() !== '' && !counter.classList.contains('over');
  send.setAttribute('aria-disabled', String(!can));
}

text.addEventListener('input', typed);
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
});
composer.addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
  text.focus();
});

byId('examples').append(...EXAMPLES.map((question) => el('li', {},
  el('button', { type: 'button', class: 'example', onclick: () => {
    submit(question);
    (coarse.matches ? scroller : text).focus({ preventScroll: true });
  } }, el('span', {}, question), icon('go')))));

// ---------------------------------------------------------------- attachments

const CODE_ENDINGS = ('apex cls trigger soql sosl cmp page component evt design app js mjs ts tsx jsx json xml html htm css scss csv tsv log txt md '
  + 'yaml yml sh py java sql properties ini toml conf env diff patch').split(' ');
let files = [];

const ending = (name) => (/\.([a-z0-9]+)$/i.exec(name)?.[1] ?? '').toLowerCase();
byId('file').accept = `image/*,text/*,${CODE_ENDINGS.map((name) => `.${name}`).join(',')}`;

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** A file as an attachment, or a sentence that says why not. */
async function attachment(file) {
  const name = file.name || 'Pasted image';
  const isImage = file.type.startsWith('image/');
  const isText = file.type.startsWith('text/') || CODE_ENDINGS.includes(ending(name));
  if (!isImage && !isText) return `“${name}” is not a text, code or image file.`;
  if (file.size > MAX_FILE_BYTES) {
    return `“${name}” has ${size(file.size)}. A file may have at most 1 MB once it is encoded, which is ${size(MAX_FILE_BYTES)} on disk.`;
  }
  if (file.size === 0) return `“${name}” is empty.`;
  const mime = file.type || (isImage ? 'image/png' : 'text/plain');
  try {
    if (isText) {
      try {
        const source = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
        if (characters(source) <= MAX_CODE_CHARACTERS && !source.includes('\0')) {
          return { name, bytes: file.size, wire: { type: 'code', content: source, mime_type: mime } };
        }
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // TypeError: not UTF-8, so it travels as a file
      }
    }
    return { name, bytes: file.size, wire: { type: isImage ? 'image' : 'file', content: await base64(file), mime_type: mime } };
  } catch {
    return `“${name}” could not be read.`;
  }
}

async function attach(chosen) {
  const problems = [];
  for (const file of chosen) {
    if (files.length >= MAX_ATTACHMENTS) {
      problems.push(`A message takes at most ${MAX_ATTACHMENTS} files. “${file.name}” was left out.`);
      break;
    }
    const made = await attachment(file);
    if (typeof made === 'string') problems.push(made);
    else if (files.length < MAX_ATTACHMENTS) files = [...files, made];
  }
  paintFiles();
  if (problems.length) toast(problems.join(' '), { error: true });
  else announce(`${files.length} ${files.length === 1 ? 'file' : 'files'} attached.`);
}

function paintFiles() {
  chips.hidden = !files.length;
  chips.replaceChildren(...files.map((file) => el('li', { class: 'chip' },
    el('bdi', {}, plain(file.name)), el('span', { class: 'chip-size' }, size(file.bytes)),
    el('button', { type: 'button', class: 'tool small', 'aria-label': `Remove ${file.name}`, onclick: () => {
      files = files.filter((other) => other !== file);
      paintFiles();
      announce('Attachment removed.');
      (chips.querySelector('button') ?? byId('attach')).focus();
    } }, icon('close')))));
}

byId('attach').addEventListener('click', () => byId('file').click());
byId('file').addEventListener('change', async (event) => {
  const chosen = [...event.target.files];
  event.target.value = '';
  await attach(chosen);
  text.focus();
});
text.addEventListener('paste', (event) => {
  const pasted = [...(event.clipboardData?.files ?? [])];
  if (!pasted.length || event.clipboardData.getData('text/plain')) return; // text comes first, as it is
  event.preventDefault();
  attach(pasted);
});
for (const kind of ['dragover', 'drop']) {
  document.addEventListener(kind, (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes('Files')) return;
    event.preventDefault();
    if (kind === 'drop' && ready && !composer.hidden) attach([...event.dataTransfer.files]);
  });
}

// ---------------------------------------------------------------- the page as a whole

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || panel.open) return;
  const fold = event.target.closest?.('details[open]');
  if (fold) {
    fold.open = false;
    fold.querySelector('summary').focus();
  } else if (toastBox.childElementCount) {
    untoast();
  }
});
addEventListener('offline', () => toast('You are offline. What you write is kept.', { error: true }));
addEventListener('online', () => {
  toast('You are back online.');
  if (!byId('unreachable').hidden) begin();
  else if (unsent) again(unsent);
});
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') poll(); });

text.value = tab.read(DRAFT_KEY) ?? '';
typed();
paintStatus();
begin();
