"""A scanner for 1C:Enterprise modules: where every method, variable and body stands.

Pure functions over text, without input or output. ``scan`` takes any string, never raises and needs
time linear in its length.
"""

from rag_demo.ingest.bsl.clean import clean_code
from rag_demo.ingest.bsl.head import head_text
from rag_demo.ingest.bsl.model import Block, Method, Module
from rag_demo.ingest.bsl.scanner import scan
from rag_demo.ingest.bsl.source import Source
from rag_demo.ingest.bsl.windows import Window, cut_windows

__all__ = ["Block", "Method", "Module", "Source", "Window", "clean_code", "cut_windows", "head_text", "scan"]
