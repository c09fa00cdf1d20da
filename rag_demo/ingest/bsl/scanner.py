"""One pass over the keywords of a module."""

from __future__ import annotations

from rag_demo.ingest.bsl.blocks import find_blocks
from rag_demo.ingest.bsl.comments import doc_text, is_deprecated
from rag_demo.ingest.bsl.headers import Header, Preamble, read_header, read_preamble
from rag_demo.ingest.bsl.model import Method, Module
from rag_demo.ingest.bsl.regions import Regions
from rag_demo.ingest.bsl.source import Source
from rag_demo.ingest.bsl.tokens import Keyword, method_keywords

_OUTDATED = ("устаревши", "deprecated")


def scan(text: str | Source) -> Module:
    """Find every method, variable block and module body of ``text``. Never raises."""
    source = text if isinstance(text, Source) else Source(text)
    scanner = _Scanner(source)
    methods = scanner.run()
    return Module(source, tuple(methods), tuple(find_blocks(source, methods, scanner.regions)))


class _Scanner:
    def __init__(self, source: Source) -> None:
        self.regions = Regions(source)
        self._source = source
        self._methods: list[Method] = []
        self._open: tuple[Header, Preamble] | None = None
        self._variants: list[Header] = []
        self._floor = 0  # last line of the method before

    def run(self) -> list[Method]:
        source = self._source
        keywords = method_keywords(source)
        bounds = [keyword.start for keyword in keywords[1:]] + [len(source.text)]
        for keyword, bound in zip(keywords, bounds, strict=False):
            if not keyword.opens:
                self._close(keyword)
                continue
            header = read_header(source, keyword, bound)
            if header is not None:
                self._begin(header)
        if self._open is not None:
            self._finish(len(source.text), source.line_count)
        return self._methods

    def _begin(self, header: Header) -> None:
        if self._open is not None:
            if self._is_variant(header):
                self._variants.append(header)
                return
            # The end keyword is missing: what belongs to the new method cannot belong to the old one.
            before = read_preamble(self._source, header.start, self._source.line_of(self._open[0].end))
            self._finish(header.start, before.line_start - 1)
        self._open = header, read_preamble(self._source, header.start, self._floor)

    def _is_variant(self, header: Header) -> bool:
        """``#Если`` may choose between two headers of one body."""
        if self._open is None or header.name.lower() != self._open[0].name.lower():
            return False
        before = self._variants[-1] if self._variants else self._open[0]
        return _only_preprocessor(self._source.text[before.end : header.start])

    def _close(self, keyword: Keyword) -> None:
        if self._open is not None:
            self._finish(keyword.start, self._source.line_of(keyword.start))

    def _finish(self, code_end: int, line_end: int) -> None:
        if self._open is None:
            return
        header, preamble = self._open
        source = self._source
        line_header = source.line_of(header.start)
        code_start = self._variants[-1].end if self._variants else header.end
        header_end = source.line_of(code_start)
        line_end = max(line_end, header_end)
        while line_end > header_end and not source.line(line_end).strip():
            line_end -= 1
        doc = doc_text(preamble.comment)
        region = self.regions.at(header.start)
        self._methods.append(
            Method(
                name=header.name,
                is_function=header.is_function,
                is_async=header.is_async,
                export=header.export,
                signature=header.signature,
                directives=preamble.directives,
                region=region,
                doc=doc,
                deprecated=is_deprecated(doc) or any(name.lower().startswith(_OUTDATED) for name in region),
                line_start=preamble.line_start,
                line_header=line_header,
                line_code=header_end + 1,
                line_end=line_end,
                code_start=code_start,
                code_end=max(code_start, code_end),
                variants=tuple(variant.signature for variant in self._variants),
            )
        )
        self._open, self._variants, self._floor = None, [], line_end


def _only_preprocessor(text: str) -> bool:
    lines = [line.strip() for line in text.split("\n")]
    marks = [line[:1] for line in lines if line and not line.startswith("//")]
    return "#" in marks and all(mark in "#&" for mark in marks)
