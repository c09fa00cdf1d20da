"""What sort a document beside the dump is: manual, specification, release notes, FAQ, regulation, or a note."""

from rag_demo.classify.classifier import Classifier, assign

__all__ = ["Classifier", "assign"]
