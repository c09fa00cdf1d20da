import { highlight } from "./bsl.js";
import { element, render } from "./rich.js";
import { events } from "./sse.js";
import { TEXTS } from "./texts.js";

const $ = (id) => document.getElementById(id);
const RETRY_MS = 4000;
const MOST_TURNS = 8; // what the server looks at of a conversation
const MOST_HISTORY = 50;
const store = {
  get(name, fallback) {
    try { return JSON.parse(localStorage.getItem(name)) ?? fallback; } catch { return fallback; }
  },
  set(name, value) {
    try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* full or forbidden: the page works without */ }
  },
};

let language = store.get("language", navigator.language?.startsWith("en") ? "en" : "ru");
let about = null;      // what the server says about itself
let turns = [];        // of the conversation that is shown: {question, standalone, answer, names, sources, marks}
let running = null;    // AbortController of the question that is being answered
let sources = [];      // of the newest answer
let beforeSource = null; // what had the focus before a source was opened

const t = () => TEXTS[language];
const asked = () => ({ "Content-Type": "application/json", ...keyHeader() });
const keyHeader = () => { const key = store.get("key", ""); return key ? { Authorization: `Bearer ${key}` } : {}; };

// ---------------------------------------------------------------- language and theme

function translate() {
  document.documentElement.lang = language;
  document.title = t().title;
  $("title").textContent = t().title;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t()[node.dataset.text];
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", t()[node.dataset.label]);
    if (node.tagName === "BUTTON") node.title = t()[node.dataset.label];
  }
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = t()[node.dataset.placeholder];
  $("language").textContent = t().language;
  showAbout();
  showExamples();
  showTalk();
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  $("theme").textContent = name === "dark" ? "☀" : "☾";
}

// ---------------------------------------------------------------- what the server knows about itself

async function askAbout() {
  try {
    const response = await fetch("about", { headers: keyHeader(), cache: "no-store" });
    if (response.status === 401) { showKey(); return; }
    if (!response.ok) throw new Error(String(response.status));
    about = await response.json();
    banner("");
    showAbout();
    showExamples();
    if (!about.spaces.length) { banner(t().noIndex); setTimeout(askAbout, RETRY_MS); }
  } catch {
    banner(t().offline);
    setTimeout(askAbout, RETRY_MS);
  }
}

function banner(text) {
  $("banner").hidden = !text;
  $("banner").textContent = text;
}

function showAbout() {
  if (!about) return;
  const parts = about.spaces.map((space) => `${space.title} (${space.documents.toLocaleString(language)} ${t().documents})`);
  parts.push(about.llm ? about.llm.model : t().none);
  if (about.degraded.length) parts.push(`${t().degraded} ${about.degraded.join(", ")}`);
  $("state").textContent = parts.join(" · ");
  choices("spaces", about.spaces.map((space) => [space.id, space.title]));
  choices("types", about.doc_types.map((type) => [type, t().type[type] ?? type]));
  choices("kinds", about.kinds.map((kind) => [kind.name, kind[language]]));
}

function choices(id, options) {
  const before = chosen(id);
  $(id).replaceChildren(...options.map(([value, title]) => {
    const label = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.value = value;
    box.checked = before.includes(value);
    box.addEventListener("change", showChosen);
    label.append(box, ` ${title}`);
    return label;
  }));
  showChosen();
}

const chosen = (id) => [...$(id).querySelectorAll("input:checked")].map((box) => box.value);

function showChosen() {
  const titles = [...$("filters").querySelectorAll("input:checked")].map((box) => box.parentElement.textContent.trim());
  $("chosen").textContent = titles.length ? `: ${titles.join(", ")}` : `: ${t().all}`;
}

function showExamples() {
  $("welcome").hidden = turns.length > 0;
  $("examples").replaceChildren(...(about?.examples?.[language] ?? []).map((question) => {
    const item = element("li");
    item.append(button(question, () => ask(question)));
    return item;
  }));
}

// ---------------------------------------------------------------- a question

async function ask(question) {
  if (running || !question.trim()) return;
  const turn = { question: question.trim(), answer: "", sources: [], marks: [], names: [], thinking: "" };
  const history = turns.slice(-MOST_TURNS).map(({ question, standalone, answer, names }) =>
    ({ question, standalone: standalone ?? question, answer, names }));
  turns.push(turn);
  running = new AbortController();
  busy(true);
  showTalk();
  try {
    const response = await fetch("chat", {
      method: "POST",
      headers: asked(),
      signal: running.signal,
      body: JSON.stringify({
        question: turn.question, history, spaces: chosen("spaces"), doc_types: chosen("types"), kinds: chosen("kinds"),
      }),
    });
    if (!response.ok) throw await failure(response);
    for await (const event of events(response)) take(turn, event);
    if (!turn.done && !turn.error) turn.error = t().offline;
  } catch (error) {
    if (error.name === "AbortError") turn.stopped = true;
    else turn.error = error instanceof TypeError ? t().offline : error.message;
    if (error instanceof TypeError) askAbout();
  } finally {
    running = null;
    busy(false);
    showTalk();
    remember();
    $("question").focus();
  }
}

async function failure(response) {
  if (response.status === 401) { showKey(); return new Error(t().key); }
  if (response.status === 503) {
    const seconds = response.headers.get("Retry-After");
    if (seconds) return new Error(`${t().busy} ${seconds} ${t().wait}.`);
  }
  let told = `${response.status}`;
  try { told = (await response.json()).error.message; } catch { /* no JSON: the status must do */ }
  return new Error(`${t().failed} ${told}`);
}

function take(turn, { name, data }) {
  if (name === "standalone") turn.standalone = data.text;
  else if (name === "sources") { turn.sources = data.sources; turn.names = data.names; }
  else if (name === "thinking") turn.thinking += data.text;
  else if (name === "delta") turn.answer += data.text;
  else if (name === "verified") { turn.answer = data.text; turn.marks = data.marks; }
  else if (name === "done") Object.assign(turn, data, { done: true });
  else if (name === "error") turn.error = `${t().failed} ${data.message}`;
  showLast();
}

function busy(is) {
  $("send").hidden = is;
  $("stop").hidden = !is;
  $("talk").setAttribute("aria-busy", String(is));
}

// ---------------------------------------------------------------- the conversation

function showTalk() {
  $("talk").replaceChildren(...turns.map(turnNode));
  $("welcome").hidden = turns.length > 0;
  sources = turns.at(-1)?.sources ?? [];
  $("talk").scrollTop = $("talk").scrollHeight;
}

let scheduled = false;
function showLast() {
  // Tokens come faster than frames.
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const talk = $("talk");
    const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
    talk.lastElementChild?.replaceWith(turnNode(turns.at(-1)));
    sources = turns.at(-1)?.sources ?? [];
    if (atEnd) talk.scrollTop = talk.scrollHeight;
  });
}

function turnNode(turn) {
  const node = element("article");
  node.className = "turn";
  const question = element("p", turn.question);
  question.className = "asked";
  node.append(question);
  if (turn.standalone && turn.standalone !== turn.question) node.append(small("meant", `${t().meant} ${turn.standalone}`));
  if (turn.thinking) {
    const details = element("details");
    details.append(element("summary", t().thinking));
    const text = element("div", turn.thinking);
    text.className = "thinking";
    details.append(text);
    node.append(details);
  }
  const answer = element("div");
  answer.className = "answer";
  const isRunning = running && turn === turns.at(-1);
  render(answer, turn.answer, turn.marks, (n) => openSource(turn.sources.find((source) => source.n === n)),
    { source: t().source, doubt: t().doubt });
  if (isRunning) answer.classList.add("waiting");
  node.append(answer);
  if (turn.error) { const failed = element("p", turn.error); failed.className = "failed"; failed.setAttribute("role", "alert"); node.append(failed); }
  if (turn.stopped) node.append(small("facts", t().stopped));
  if (!isRunning) after(node, turn);
  return node;
}

function after(node, turn) {
  if (turn.marks.length) {
    const details = element("details");
    details.className = "facts";
    details.append(element("summary", `${t().doubts} ${turn.marks.length}`));
    const list = element("ul");
    for (const mark of turn.marks) list.append(element("li", `«${turn.answer.slice(mark.start, mark.end)}»: ${mark.reason}`));
    details.append(list);
    node.append(details);
  }
  if (turn.sources.length) {
    node.append(small("facts", t().sources));
    const list = element("ol");
    list.className = "sources";
    for (const source of turn.sources) {
      const item = element("li");
      const open = button(`[${source.n}] ${source.title}`, () => openSource(source));
      open.append(element("small", `${source.path}:${source.line_start}-${source.line_end}`));
      item.append(open);
      list.append(item);
    }
    node.append(list);
  }
  const facts = [];
  if (turn.cached_s != null) facts.push(`${t().cached} ${Math.round(turn.cached_s)} ${t().wait}`);
  if (turn.degraded?.length) facts.push(`${t().degraded} ${turn.degraded.join(", ")}`);
  if (turn.backend) facts.push(turn.backend);
  if (turn.total_ms != null) facts.push(`${(turn.total_ms / 1000).toLocaleString(language, { maximumFractionDigits: 2 })} ${t().wait}`);
  if (facts.length) node.append(small("facts", facts.join(" · ")));
  const tools = element("p");
  tools.className = "tools";
  if (turn.answer) {
    const copy = button(t().copy, async () => {
      await navigator.clipboard.writeText(turn.answer);
      copy.textContent = t().copied;
    });
    tools.append(copy);
  }
  if (turn.error || turn.stopped) tools.append(button(t().again, () => { turns.splice(turns.indexOf(turn), 1); ask(turn.question); }));
  node.append(tools);
  if (turn === turns.at(-1) && turn.followups?.length) {
    node.append(small("facts", t().followups));
    const list = element("ul");
    list.className = "sources";
    for (const question of turn.followups) { const item = element("li"); item.append(button(question, () => ask(question))); list.append(item); }
    node.append(list);
  }
}

function small(name, text) {
  const node = element("p", text);
  node.className = name;
  return node;
}

function button(text, onClick) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

// ---------------------------------------------------------------- a source beside the answer

async function openSource(source) {
  if (!source) return;
  beforeSource = document.activeElement;
  $("source").hidden = false;
  $("source-title").textContent = `[${source.n}] ${source.title}`;
  $("source-path").textContent = `${source.path} · ${t().lines} ${source.line_start}–${source.line_end}`;
  $("source-code").replaceChildren();
  const query = new URLSearchParams({ space: source.space_id, path: source.path, start: source.line_start, end: source.line_end });
  try {
    const response = await fetch(`source?${query}`, { headers: keyHeader() });
    if (!response.ok) throw await failure(response);
    showLines(await response.json(), source);
  } catch (error) {
    const failed = element("p", error instanceof TypeError ? t().offline : error.message);
    failed.className = "failed";
    $("source-code").append(failed);
  }
  $("source-title").focus();
}

function showLines(file, source) {
  const isCode = source.path.endsWith(".bsl");
  let inString = false;
  const lines = file.lines.map((text, index) => {
    const number = file.start + index;
    const row = element("div");
    row.className = number >= source.line_start && number <= source.line_end ? "line cited" : "line";
    const label = element("span", String(number));
    label.className = "number";
    const code = element("span");
    if (isCode) inString = highlight(code, text, inString); else code.textContent = text;
    row.append(label, code);
    return row;
  });
  $("source-code").replaceChildren(...lines);
  const first = $("source-code").querySelector(".cited");
  if (first) $("source-code").scrollTop = first.offsetTop - $("source-code").offsetTop - 40;
}

function closeSource() {
  $("source").hidden = true;
  (beforeSource?.isConnected ? beforeSource : $("question")).focus();
}

// ---------------------------------------------------------------- history and dialogs

function remember() {
  const history = store.get("history", []);
  const id = turns[0].id ??= Date.now();
  const kept = turns.map(({ followups, ...turn }) => turn);
  store.set("history", [{ id, turns: kept }, ...history.filter((talk) => talk.id !== id)].slice(0, MOST_HISTORY));
}

function showHistory() {
  const history = store.get("history", []);
  const list = element("ul");
  list.className = "sources";
  for (const talk of history) {
    const item = element("li");
    const open = button(talk.turns[0].question, () => { turns = talk.turns; $("dialog").close(); showTalk(); });
    open.append(element("small", new Date(talk.id).toLocaleString(language)));
    item.append(open);
    list.append(item);
  }
  const clear = button(t().clear, () => { store.set("history", []); $("dialog").close(); });
  dialog(t().history, history.length ? [list, clear] : [element("p", t().empty)]);
}

function showSystem() {
  if (!about) return;
  const rows = [[t().version, about.version], [t().llm, about.llm ? `${about.llm.model} (${about.llm.backend})` : t().none]];
  for (const space of about.spaces) {
    rows.push([space.title, `${space.documents.toLocaleString(language)} ${t().documents}, ${t().indexed} ${new Date(space.created).toLocaleString(language)}, ${space.model}`]);
  }
  for (const part of about.degraded) rows.push([part, t().unavailable]);
  const table = element("table");
  for (const [name, value] of rows) {
    const row = element("tr");
    row.append(element("th", name), element("td", value));
    table.append(row);
  }
  const frame = element("div");
  frame.className = "scroll";
  frame.append(table);
  dialog(t().about, [frame]);
}

function showKey() {
  const form = element("form");
  const label = element("label", `${t().enterKey} `);
  const input = element("input");
  input.type = "password";
  input.autocomplete = "off";
  label.append(input);
  const save = element("button", t().save);
  form.append(label, save);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    store.set("key", input.value);
    $("dialog").close();
    askAbout();
  });
  dialog(t().key, [form]);
}

function dialog(title, content) {
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...content);
  if (!$("dialog").open) $("dialog").showModal();
}

// ---------------------------------------------------------------- wiring

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) return;
  const question = $("question").value;
  $("question").value = "";
  ask(question);
});
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("form").requestSubmit(); }
});
$("stop").addEventListener("click", () => running?.abort());
$("new").addEventListener("click", () => { running?.abort(); turns = []; showTalk(); showExamples(); $("question").focus(); });
$("history-open").addEventListener("click", showHistory);
$("about-open").addEventListener("click", showSystem);
$("dialog-close").addEventListener("click", () => $("dialog").close());
$("source-close").addEventListener("click", closeSource);
$("language").addEventListener("click", () => { language = language === "ru" ? "en" : "ru"; store.set("language", language); translate(); });
$("theme").addEventListener("click", () => {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  store.set("theme", name);
  theme(name);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("dialog").open) {
    if (running) running.abort(); else if (!$("source").hidden) closeSource();
  } else if (event.altKey && /^Digit[1-9]$/u.test(event.code)) {
    event.preventDefault();
    openSource(sources.find((source) => source.n === Number(event.code.slice(5))));
  } else if (event.key === "/" && !/^(INPUT|TEXTAREA)$/u.test(document.activeElement.tagName)) {
    event.preventDefault();
    $("question").focus();
  }
});
theme(store.get("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
translate();
askAbout();
