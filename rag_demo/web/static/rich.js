// Answers as DOM nodes. Text from the server never becomes HTML: a node for each thing that is understood, text for the rest.
import { element } from "./state.js";

// `marks`: [{start, end, reason}] as offsets into `text`. `onCite(n)`: a citation was pressed.
export function render(place, text, marks, onCite, labels) {
  place.replaceChildren();
  let offset = 0;
  let list = null, table = null, code = null, paragraph = null, quote = null;
  const close = () => { list = table = paragraph = null; };
  for (const line of text.split("\n")) {
    const at = offset;
    offset += line.length + 1;
    if (/^\s*```/u.test(line)) {
      if (code) { code = null; } else { close(); code = element("pre"); place.append(code); }
      continue;
    }
    if (code) { code.append(line + "\n"); continue; }
    if (/^ {4}(?:\||\[\d)/u.test(line)) { // quoted lines of a source
      if (!quote) { close(); quote = element("pre"); place.append(quote); }
      inline(quote, `${line.slice(4)}\n`, at + 4, marks, onCite, labels);
      continue;
    }
    quote = null;
    const row = /^\s*\|(.+)\|\s*$/u.exec(line);
    if (row) {
      if (/^[\s|:-]+$/u.test(line)) continue;
      if (!table) {
        const frame = element("div");
        frame.className = "scroll";
        frame.tabIndex = 0;
        table = element("table");
        frame.append(table);
        place.append(frame);
        list = paragraph = null;
      }
      const tr = element("tr");
      let from = at + line.indexOf("|") + 1;
      for (const cell of row[1].split(/(?<!\\)\|/u)) {
        const td = element(table.childElementCount ? "td" : "th");
        inline(td, cell.replace(/\\\|/gu, "|"), from, marks, onCite, labels);
        from += cell.length + 1;
        tr.append(td);
      }
      table.append(tr);
      continue;
    }
    const item = /^(\s*)([-*•]|\d+[.)])\s+/u.exec(line);
    const head = /^(#{1,4})\s+/u.exec(line);
    if (item) {
      const tag = /\d/u.test(item[2]) ? "OL" : "UL";
      if (!list || list.tagName !== tag) { list = element(tag); place.append(list); if (tag === "OL") list.start = parseInt(item[2], 10); }
      const li = element("li");
      inline(li, line.slice(item[0].length), at + item[0].length, marks, onCite, labels);
      list.append(li);
      table = paragraph = null;
    } else if (head) {
      close();
      const strong = element("h3");
      inline(strong, line.slice(head[0].length), at + head[0].length, marks, onCite, labels);
      place.append(strong);
    } else if (!line.trim()) {
      close();
    } else {
      if (!paragraph) { close(); paragraph = element("p"); place.append(paragraph); } else { paragraph.append(element("br")); }
      inline(paragraph, line, at, marks, onCite, labels);
    }
  }
}

// Bold, code and citations of one line; what a mark covers is wrapped.
function inline(place, text, offset, marks, onCite, labels) {
  const cuts = new Set([0, text.length]);
  for (const mark of marks) {
    for (const edge of [mark.start - offset, mark.end - offset]) if (edge > 0 && edge < text.length) cuts.add(edge);
  }
  const edges = [...cuts].sort((a, b) => a - b);
  for (let i = 0; i + 1 < edges.length; i += 1) {
    const mark = marks.find((m) => m.start - offset <= edges[i] && m.end - offset >= edges[i + 1]);
    let target = place;
    if (mark) {
      target = element("span");
      target.className = "doubt";
      target.title = `${labels.doubt} ${mark.reason}`;
      place.append(target);
    }
    pieces(target, text.slice(edges[i], edges[i + 1]), onCite, labels);
  }
}

function pieces(place, text, onCite, labels) {
  for (const piece of text.split(/(\*\*[^*]+\*\*|`[^`]+`|\[\d+(?:\s*,\s*\d+)*\])/u)) {
    const cited = /^\[([\d\s,]+)\]$/u.exec(piece);
    if (/^\*\*.+\*\*$/u.test(piece)) place.append(element("strong", piece.slice(2, -2)));
    else if (/^`.+`$/u.test(piece)) place.append(element("code", piece.slice(1, -1)));
    else if (cited) {
      for (const number of cited[1].split(",").map((n) => parseInt(n, 10))) {
        const button = element("button", String(number));
        button.type = "button";
        button.className = "cite";
        button.dataset.n = String(number);
        button.setAttribute("aria-label", `${labels.source} ${number}`);
        button.addEventListener("click", () => onCite(number));
        place.append(button);
      }
    } else place.append(piece);
  }
}
