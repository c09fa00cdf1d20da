// Answers as DOM nodes. Text from the server never becomes HTML: a node for each thing that is understood, text for the rest.
import { highlight } from "./bsl.js";
import { element } from "./state.js";

const QUOTED = 6; // letters before the line itself: "    | "
// [1], [1, 2], [1-3], 【1】 and [^1]: what models write. Behind a letter no name begins: a long word would be tried at each.
const PIECE = /(\*\*[^*]+\*\*|`[^`]+`|\[\^?\d{1,9}(?:\s*[,;–-]\s*\d{1,9})*\]|【\d{1,9}(?:†[^】]*)?】|(?<![A-Za-z])[A-Z][A-Za-z]+(?:\.[\p{L}_][\p{L}\p{N}_]*)+)/u;
const WORD_IN_NAME = /(?<=[\p{Ll}\p{N}.])(?=\p{Lu})/u;

// `marks`: [{start, end, reason}] as offsets into `text`. `how`: {onCite(n), onName(name): what was pressed;
// isKind(word): whether names may begin with it; labels}.
export function render(place, text, marks, how) {
  place.replaceChildren();
  let offset = 0;
  let list = null, table = null, code = null, paragraph = null, quote = null;
  let indent = 0, isBsl = false, inString = false;
  const close = () => { list = table = paragraph = null; };
  const pre = () => { // may be wider than the page, so that keys must reach it
    close();
    const made = Object.assign(element("pre"), { tabIndex: 0 });
    place.append(made);
    return made;
  };
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const at = offset;
    offset += line.length + 1;
    const fence = /^\s*```\s*(.*?)\s*$/u.exec(line);
    if (fence) {
      code = code ? null : pre();
      isBsl = /^(?:bsl|1[cс])?$/iu.test(fence[1]);
      inString = false;
      continue;
    }
    if (code) {
      if (isBsl) inString = highlight(code, line, inString); else code.append(line);
      code.append("\n");
      continue;
    }
    if (/^ {4}(?:\||\[\d)/u.test(line)) { // quoted lines of a source
      if (!quote) { quote = pre(); indent = indentOf(lines, index); }
      if (line[4] === "|" && !marks.length) {
        highlight(quote, line.slice(QUOTED + indent), false);
        quote.append("\n");
      } else inline(quote, `${line.slice(4)}\n`, at + 4, marks, how);
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
        inline(td, cell.replace(/\\\|/gu, "|"), from, marks, how);
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
      inline(li, line.slice(item[0].length), at + item[0].length, marks, how);
      list.append(li);
      table = paragraph = null;
    } else if (list && /^\s{2,}\S/u.test(line)) { // goes on with the item before
      const space = line.search(/\S/u);
      list.lastElementChild.append(element("br"));
      inline(list.lastElementChild, line.slice(space), at + space, marks, how);
    } else if (head) {
      close();
      const strong = element("h3");
      inline(strong, line.slice(head[0].length), at + head[0].length, marks, how);
      place.append(strong);
    } else if (!line.trim()) {
      close();
    } else {
      if (!paragraph) { close(); paragraph = element("p"); place.append(paragraph); } else { paragraph.append(element("br")); }
      inline(paragraph, line, at, marks, how);
    }
  }
}

// White space that all lines of a quotation have in common.
function indentOf(lines, first) {
  let least = Infinity;
  for (let i = first; lines[i]?.startsWith("    | "); i += 1) {
    const line = lines[i].slice(QUOTED);
    if (line.trim()) least = Math.min(least, line.search(/\S/u));
  }
  return Number.isFinite(least) ? least : 0;
}

// Bold, code and citations of one line; what a mark covers is wrapped.
function inline(place, text, offset, marks, how) {
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
      target.title = `${how.labels.doubt} ${mark.reason}`;
      place.append(target);
    }
    pieces(target, text.slice(edges[i], edges[i + 1]), how);
  }
}

function pieces(place, text, how) {
  for (const piece of text.split(PIECE)) {
    const cited = /^(?:\[\^?([\d\s,;–-]+)\]|【(\d+)[^】]*】)$/u.exec(piece);
    if (/^\*\*.+\*\*$/u.test(piece)) place.append(element("strong", piece.slice(2, -2)));
    else if (/^`.+`$/u.test(piece)) place.append(element("code", piece.slice(1, -1)));
    else if (cited) {
      for (const number of (cited[1] ?? cited[2]).match(/\d+/gu).map(Number)) {
        const button = element("button", String(number));
        button.type = "button";
        button.className = "cite";
        button.dataset.n = String(number);
        button.setAttribute("aria-label", `${how.labels.source} ${number}`);
        button.addEventListener("click", () => how.onCite(number));
        place.append(button);
      }
    } else if (/^[A-Z]\w+\./u.test(piece) && how.isKind(piece.split(".")[0])) {
      const link = element("a");
      link.href = "#question";
      link.title = how.labels.ask;
      link.addEventListener("click", (event) => { event.preventDefault(); how.onName(piece); });
      breakable(link, piece);
      place.append(link);
    } else breakable(place, piece);
  }
}

// Names of 1C are long: they may be broken between their words.
function breakable(place, text) {
  text.split(WORD_IN_NAME).forEach((part, index) => {
    if (index) place.append(element("wbr"));
    place.append(part);
  });
}
