"""Documents beside the dump: manuals, specifications, release notes, FAQ, regulations."""

from rag_demo.ingest.notes.reader import read_documents

__all__ = ["read_documents"]
