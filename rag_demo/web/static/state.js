// What all parts of the page share: the state of this page, what this browser keeps, small makers of nodes.
import { TEXTS } from "./texts.js";

export const $ = (id) => document.getElementById(id);

export const store = {
  get(name, fallback) {
    try { return JSON.parse(localStorage.getItem(name)) ?? fallback; } catch { return fallback; }
  },
  set(name, value) {
    try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* full or forbidden: the page works without */ }
  },
};

export const state = {
  language: store.get("language", navigator.language?.startsWith("en") ? "en" : "ru"),
  about: null,   // what the server says about itself
  turns: [],     // of the conversation that is shown: {question, standalone, answer, names, sources, marks}
  running: null, // AbortController of the question that is being answered
};

export const t = () => TEXTS[state.language];
export const keyHeader = () => {
  const key = store.get("key", "");
  // Headers carry bytes: a key with other letters goes as UTF-8.
  return key ? { Authorization: `Bearer ${String.fromCharCode(...new TextEncoder().encode(key))}` } : {};
};
export const parts = (names) => names.map((name) => t().part[name] ?? name).join(", ");

// An answer of the server that is no success, as an error that the reader understands.
export async function failure(response) {
  let told = {};
  try { told = (await response.json()).error; } catch { /* no JSON: the status must do */ }
  const seconds = response.headers.get("Retry-After");
  if (seconds) return new Error(`${t().busy} ${seconds} ${t().wait}.`);
  return new Error(t().code[told.code] ?? `${t().failed} ${told.message ?? response.status}`);
}

export function element(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

export function small(name, text) {
  const node = element("p", text);
  node.className = name;
  return node;
}

export function button(text, onClick) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

export function list(tag, nodes) {
  const made = element(tag);
  made.className = "sources";
  for (const node of nodes) {
    const item = element("li");
    item.append(node);
    made.append(item);
  }
  return made;
}
