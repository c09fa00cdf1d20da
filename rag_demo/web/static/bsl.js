// Colours of BSL: enough of the lexis to read code, in both languages.
const KEYWORDS = new Set((
  "процедура функция конецпроцедуры конецфункции экспорт знач перем если тогда иначеесли иначе конецесли для каждого из " +
  "по пока цикл конеццикла попытка исключение конецпопытки вызватьисключение возврат прервать продолжить перейти " +
  "выполнить новый добавитьобработчик удалитьобработчик и или не истина ложь неопределено null асинх ждать " +
  "procedure function endprocedure endfunction export val var if then elsif else endif for each in to while do enddo " +
  "try except endtry raise return break continue goto execute new addhandler removehandler and or not true false " +
  "undefined async await"
).split(" "));
const TOKEN = /(\/\/.*)|("(?:[^"]|"")*"?)|(\|.*)|(^\s*[#&][^\s(]*)|([\p{L}_][\p{L}\p{N}_]*)|(\d+(?:\.\d+)?)|('[^']*')/gmu;

// Fills `place` with spans for one line. `inString`: the line goes on with a string of the line before.
export function highlight(place, line, inString) {
  let open = inString && /^\s*\|/u.test(line);
  let text = line;
  if (open) {
    const end = text.replace(/""/gu, "  ").indexOf('"');
    const stop = end < 0 ? text.length : end + 1;
    append(place, text.slice(0, stop), "string");
    text = text.slice(stop);
    open = end < 0;
    if (open) return true;
  }
  let last = 0;
  for (const found of text.matchAll(TOKEN)) {
    const [whole, comment, string, , directive, word, number, date] = found;
    let kind = "";
    if (comment) kind = "comment";
    else if (string || date) kind = "string";
    else if (directive) kind = "directive";
    else if (number) kind = "number-literal";
    else if (word && KEYWORDS.has(word.toLowerCase()) && text[found.index - 1] !== ".") kind = "keyword";
    append(place, text.slice(last, found.index), "");
    append(place, whole, kind);
    last = found.index + whole.length;
    if (string) open = !/"$/u.test(string) || string.length === 1 || (string.match(/"/gu).length % 2 === 1);
  }
  append(place, text.slice(last), "");
  return open;
}

function append(place, text, kind) {
  if (!text) return;
  if (!kind) { place.append(text); return; }
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text;
  place.append(span);
}
