// The conversation: one article for each turn.
import { render } from "./rich.js";
import { openSource } from "./source.js";
import { $, button, element, list, parts, small, state, t } from "./state.js";

let onAsk = () => {}; // asks a question, given by app.js

export function showTalk(ask) {
  onAsk = ask ?? onAsk;
  $("talk").replaceChildren(...state.turns.map(turnNode));
  if (state.turns.length) $("welcome").hidden = true;
  // The newest question stands at the top: an answer is read from its beginning.
  const newest = $("talk").lastElementChild;
  if (newest) $("talk").scrollTop = newest.offsetTop - $("talk").offsetTop - 8;
}

let scheduled = false;
export function showLast() {
  // Tokens come faster than frames.
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    if (state.turns.length) $("talk").lastElementChild?.replaceWith(turnNode(state.turns.at(-1)));
  });
}

function turnNode(turn) {
  const node = element("article");
  node.className = "turn";
  const isRunning = Boolean(state.running) && turn === state.turns.at(-1);
  node.append(small("asked", turn.question));
  if (turn.standalone && turn.standalone !== turn.question) node.append(small("meant", `${t().meant} ${turn.standalone}`));
  if (turn.thinking) node.append(folded("", t().thinking, Object.assign(element("div", turn.thinking), { className: "thinking" })));
  const answer = element("div");
  answer.className = isRunning ? "answer waiting" : "answer";
  render(answer, turn.answer, turn.marks, {
    onCite: (n) => openSource(turn.sources.find((source) => source.n === n)),
    onName: (name) => onAsk(name),
    isKind: (word) => Boolean(state.about?.kinds.some((kind) => kind.name === word)),
    labels: { source: t().source, doubt: t().doubt, ask: t().askAbout },
  });
  node.append(answer);
  if (turn.error) {
    const failed = small("failed", turn.error);
    failed.setAttribute("role", "alert");
    node.append(failed);
  }
  if (turn.stopped) node.append(small("facts", t().stopped));
  if (!isRunning) node.append(...after(turn));
  return node;
}

function after(turn) {
  const nodes = [];
  if (turn.marks.length) {
    const doubts = element("ul");
    for (const mark of turn.marks) doubts.append(element("li", `«${turn.answer.slice(mark.start, mark.end)}»: ${mark.reason}`));
    nodes.push(folded("facts", `${t().doubts} ${turn.marks.length}`, doubts));
  }
  if (turn.sources.length) nodes.push(small("facts", t().sources), list("ol", turn.sources.map(sourceButton)));
  const facts = factsOf(turn);
  if (facts.length) nodes.push(small("facts", facts.join(" · ")));
  const tools = small("tools");
  if (turn.answer) tools.append(copyButton(turn));
  if (turn.error || turn.stopped) {
    tools.append(button(t().again, () => { state.turns.splice(state.turns.indexOf(turn), 1); onAsk(turn.question); }));
  }
  nodes.push(tools);
  return nodes;
}

function sourceButton(source) {
  const open = button(`[${source.n}] ${source.title}`, () => openSource(source));
  open.append(element("small", `${source.path}:${source.line_start}-${source.line_end}`));
  return open;
}

function factsOf(turn) {
  const facts = [];
  if (turn.cached_s != null) facts.push(`${t().cached} ${Math.round(turn.cached_s)} ${t().wait}`);
  if (turn.degraded?.length) facts.push(`${t().degraded} ${parts(turn.degraded)}`);
  if (turn.backend) facts.push(turn.backend === "extractive" ? t().extractive : turn.backend);
  if (turn.total_ms != null) {
    const seconds = (turn.total_ms / 1000).toLocaleString(state.language, { maximumFractionDigits: 2 });
    facts.push(`${seconds} ${t().wait}`);
  }
  return facts;
}

function copyButton(turn) {
  const copy = button(t().copy, async () => {
    try {
      await navigator.clipboard.writeText(turn.answer);
    } catch { // only pages of this machine or over HTTPS have a clipboard
      const area = element("textarea", turn.answer);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      copy.focus();
    }
    copy.textContent = t().copied;
  });
  return copy;
}

function folded(name, summary, content) {
  const details = element("details");
  details.className = name;
  details.append(element("summary", summary), content);
  return details;
}
