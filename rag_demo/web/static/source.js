// A source beside the answer, at the lines that are cited.
import { highlight } from "./bsl.js";
import { $, element, failure, keyHeader, small, t } from "./state.js";

let beforeSource = null; // what had the focus before a source was opened
let shown = null;        // the source that is shown
let newest = 0;          // number of the request that was sent last: a slower answer to another is not shown
const MOST_LINES = 2000; // that the server shows at once

export async function openSource(source) {
  if (!source) return;
  shown = source;
  beforeSource = document.activeElement;
  $("source").hidden = false;
  $("source-title").textContent = `[${source.n}] ${source.title}`;
  $("source-path").textContent = `${source.path} · ${t().lines} ${source.line_start}–${source.line_end}`;
  $("source-code").replaceChildren();
  $("source-whole").hidden = false;
  await load(source, source.line_start, source.line_end);
  $("source-title").focus();
}

// The file around what is shown, from its beginning if that is near enough.
export async function showWhole() {
  $("source-whole").hidden = true;
  const start = shown.line_end < MOST_LINES ? 1 : Math.max(1, shown.line_start - MOST_LINES / 2);
  await load(shown, start, start + MOST_LINES - 1);
  $("source-code").focus();
}

async function load(source, start, end) {
  newest += 1;
  const request = newest;
  const query = new URLSearchParams({ space: source.space_id, path: source.path, start, end });
  try {
    const response = await fetch(`source?${query}`, { headers: keyHeader() });
    if (!response.ok) throw await failure(response);
    const file = await response.json();
    if (newest === request) showLines(file, source);
  } catch (error) {
    if (newest === request) $("source-code").append(small("failed", error instanceof TypeError ? t().offline : error.message));
  }
}

function showLines(file, source) {
  const isCode = source.path.endsWith(".bsl");
  let inString = false;
  const rows = [];
  file.lines.forEach((text, index) => {
    if (text === null) { // not indexed: one row for all that follow each other
      if (index === 0 || file.lines[index - 1] !== null) rows.push(lineNode("⋯", "line gap"));
      return;
    }
    const number = file.start + index;
    const row = lineNode(String(number), number >= source.line_start && number <= source.line_end ? "line cited" : "line");
    const code = element("span");
    if (isCode) inString = highlight(code, text, inString); else code.textContent = text;
    row.append(code);
    rows.push(row);
  });
  $("source-code").replaceChildren(...rows);
  const first = $("source-code").querySelector(".cited");
  if (first) $("source-code").scrollTop = first.offsetTop - $("source-code").offsetTop - 40;
}

function lineNode(label, className) {
  const row = element("div");
  row.className = className;
  const number = element("span", label);
  number.className = "number";
  row.append(number);
  return row;
}

export function closeSource() {
  $("source").hidden = true;
  (beforeSource?.isConnected ? beforeSource : $("question")).focus();
}
