import { remember, showHistory, showKey, showSystem } from "./dialogs.js";
import { closeSource, openSource, showWhole } from "./source.js";
import { events } from "./sse.js";
import { $, button, element, failure, keyHeader, list, parts, state, store, t } from "./state.js";
import { showLast, showTalk } from "./talk.js";

const RETRY_MS = 4000;
const MOST_TURNS = 8; // what the server looks at of a conversation
const LISTED = new Set(["Catalog", "Document", "AccumulationRegister", "CommonModule"]);

// ---------------------------------------------------------------- language and theme

function translate() {
  document.documentElement.lang = state.language;
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
  showTalk(ask);
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  $("theme").textContent = name === "dark" ? "☀" : "☾";
}

// ---------------------------------------------------------------- what the server knows about itself

let retry = 0;
async function askAbout() {
  clearTimeout(retry);
  let isWell = false;
  try {
    const response = await fetch("about", { headers: keyHeader(), cache: "no-store" });
    if (response.status === 401) { showKey(askAbout); return; }
    if (!response.ok) throw await failure(response);
    state.about = await response.json();
    banner(state.about.spaces.length ? "" : t().noIndex);
    isWell = state.about.spaces.length > 0 && !state.about.degraded.length;
    showAbout();
    showExamples();
  } catch (error) {
    banner(error instanceof TypeError ? t().offline : error.message);
  }
  // Whatever is missing may come back; the page then says so by itself.
  if (!isWell) retry = setTimeout(askAbout, RETRY_MS);
}

function banner(text) {
  $("banner").hidden = !text;
  $("banner").textContent = text;
}

function showAbout() {
  const about = state.about;
  if (!about) return;
  const facts = about.spaces.map(
    (space) => `${space.title} (${t().documents}: ${space.documents.toLocaleString(state.language)})`);
  facts.push(about.llm ? about.llm.model : t().extractive);
  if (about.degraded.length) facts.push(`${t().degraded} ${parts(about.degraded)}`);
  $("state").textContent = facts.join(" · ");
  choices("spaces", about.spaces.map((space) => [space.id, space.title]));
  choices("types", about.doc_types.map((type) => [type, t().type[type] ?? type]));
  const kinds = about.kinds.map((kind) => [kind.name, kind[state.language]]);
  choices("kinds", kinds.sort(([, one], [, other]) => one.localeCompare(other, state.language)));
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
  const questions = state.about?.examples?.[state.language] ?? ownExamples();
  $("welcome").hidden = state.turns.length > 0 || !questions.length;
  $("examples").replaceChildren(...list("ul", questions.map((question) => button(question, () => ask(question)))).children);
}

// Questions that any configuration answers: lists of the kinds that it has most of.
function ownExamples() {
  const kinds = (state.about?.kinds ?? []).filter(({ name }) => LISTED.has(name));
  return kinds.map((kind) => `${t().which} ${kind[state.language].toLowerCase()}?`);
}

// ---------------------------------------------------------------- a question

async function ask(question) {
  if (state.running || !question.trim()) return;
  const turn = { question: question.trim(), answer: "", sources: [], marks: [], names: [], thinking: "" };
  const history = state.turns.filter(({ error }) => !error).slice(-MOST_TURNS)
    .map(({ question, standalone, answer, names }) => ({ question, standalone: standalone ?? question, answer, names }));
  const talk = state.turns;
  talk.push(turn);
  state.running = new AbortController();
  busy(true);
  showTalk();
  try {
    const response = await fetch("chat", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...keyHeader() },
      signal: state.running.signal,
      body: JSON.stringify({
        question: turn.question, history, spaces: chosen("spaces"), doc_types: chosen("types"), kinds: chosen("kinds"),
      }),
    });
    if (response.status === 401) showKey(askAbout);
    if (!response.ok) throw await failure(response);
    for await (const event of events(response)) take(turn, event);
    if (!turn.done && !turn.error) turn.error = t().offline;
  } catch (error) {
    if (error.name === "AbortError") turn.stopped = true;
    else turn.error = error instanceof TypeError ? t().offline : error.message;
  } finally {
    state.running = null;
    busy(false);
    showTalk();
    if (talk === state.turns) remember();
    if (turn.error || turn.degraded?.length) askAbout();
    if (!$("dialog").open) focusQuestion();
  }
}

function take(turn, { name, data }) {
  if (name === "standalone") turn.standalone = data.text;
  else if (name === "sources") { turn.sources = data.sources; turn.names = data.names; }
  else if (name === "thinking") turn.thinking += data.text;
  else if (name === "delta") turn.answer += data.text;
  else if (name === "verified") { turn.answer = data.text; turn.marks = data.marks; }
  else if (name === "done") Object.assign(turn, data, { done: true });
  else if (name === "error") turn.error = t().code[data.code] ?? `${t().failed} ${data.message}`;
  showLast();
}

// On a phone the keyboard would come up and hide the answer.
function focusQuestion() {
  if (matchMedia("(pointer: fine)").matches) $("question").focus();
}

function busy(is) {
  $("send").hidden = is;
  $("stop").hidden = !is;
  $("talk").setAttribute("aria-busy", String(is));
}

// ---------------------------------------------------------------- wiring

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.running) return;
  const question = $("question").value;
  $("question").value = "";
  ask(question);
});
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("form").requestSubmit(); }
});
$("stop").addEventListener("click", () => state.running?.abort());
$("new").addEventListener("click", () => {
  state.running?.abort();
  state.turns = [];
  showTalk();
  showExamples();
  focusQuestion();
});
$("history-open").addEventListener("click", showHistory);
$("about-open").addEventListener("click", showSystem);
$("dialog-close").addEventListener("click", () => $("dialog").close());
$("source-close").addEventListener("click", closeSource);
$("source-whole").addEventListener("click", showWhole);
$("language").addEventListener("click", () => {
  state.language = state.language === "ru" ? "en" : "ru";
  store.set("language", state.language);
  translate();
});
$("theme").addEventListener("click", () => {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  store.set("theme", name);
  theme(name);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("dialog").open) {
    if (state.running) state.running.abort(); else if (!$("source").hidden) closeSource();
  } else if (event.altKey && /^Digit[1-9]$/u.test(event.code)) {
    event.preventDefault();
    openSource(state.turns.at(-1)?.sources.find((source) => source.n === Number(event.code.slice(5))));
  } else if (event.key === "/" && !/^(INPUT|TEXTAREA)$/u.test(document.activeElement.tagName)) {
    event.preventDefault();
    $("question").focus();
  }
});
focusQuestion();
theme(store.get("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
translate();
askAbout();
