"""Documents beside the dump: manuals, specifications, release notes, FAQ, regulations."""

from rag_demo.ingest.notes.reader import NotesFolder, read_documents

__all__ = ["NotesFolder", "read_documents"]
