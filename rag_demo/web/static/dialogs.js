// The history of this browser, what the system says about itself, and the question for a key.
import { $, button, element, list, parts, state, store, t } from "./state.js";
import { showTalk } from "./talk.js";

const MOST_HISTORY = 50;

export function remember() {
  if (!state.turns.length) return;
  const history = store.get("history", []);
  const id = state.turns[0].id ??= Date.now();
  store.set("history", [{ id, turns: state.turns }, ...history.filter((talk) => talk.id !== id)].slice(0, MOST_HISTORY));
}

export function showHistory() {
  const history = store.get("history", []);
  const talks = list("ul", history.map((talk) => {
    const open = button(talk.turns[0].question, () => { state.turns = talk.turns; $("dialog").close(); showTalk(); });
    open.append(element("small", new Date(talk.id).toLocaleString(state.language)));
    return open;
  }));
  const clear = button(t().clear, () => { store.set("history", []); $("dialog").close(); });
  dialog(t().history, history.length ? [talks, clear] : [element("p", t().empty)]);
}

export function showSystem() {
  const about = state.about;
  if (!about) return;
  const rows = [[t().version, about.version], [t().llm, about.llm ? `${about.llm.model} (${about.llm.backend})` : t().none]];
  for (const space of about.spaces) {
    rows.push([space.title, `${t().documents}: ${space.documents.toLocaleString(state.language)}, ${t().indexed} ${new Date(space.created).toLocaleString(state.language)}, ${space.model}`]);
  }
  for (const part of about.degraded) rows.push([parts([part]), t().unavailable]);
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

export function showKey(onSaved) {
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
    onSaved();
  });
  dialog(t().key, [form]);
}

function dialog(title, content) {
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...content);
  if (!$("dialog").open) $("dialog").showModal();
}
