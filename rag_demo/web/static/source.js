// A source beside the answer, at the lines that are cited.
import { highlight } from "./bsl.js";
import { $, element, failure, keyHeader, small, t } from "./state.js";

let beforeSource = null; // what had the focus before a source was opened
let newest = null;       // the source that was asked for last: a slower answer for another is not shown

export async function openSource(source) {
  if (!source) return;
  newest = source;
  beforeSource = document.activeElement;
  $("source").hidden = false;
  $("source-title").textContent = `[${source.n}] ${source.title}`;
  $("source-path").textContent = `${source.path} · ${t().lines} ${source.line_start}–${source.line_end}`;
  $("source-code").replaceChildren();
  const query = new URLSearchParams({ space: source.space_id, path: source.path, start: source.line_start, end: source.line_end });
  try {
    const response = await fetch(`source?${query}`, { headers: keyHeader() });
    if (!response.ok) throw await failure(response);
    const file = await response.json();
    if (newest === source) showLines(file, source);
  } catch (error) {
    if (newest === source) $("source-code").append(small("failed", error instanceof TypeError ? t().offline : error.message));
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

export function closeSource() {
  $("source").hidden = true;
  (beforeSource?.isConnected ? beforeSource : $("question")).focus();
}
