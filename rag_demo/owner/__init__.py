"""Talking to the one process that holds the indexes of a data folder open.

The engine of the vectors lets one process open them. A process that stays (`rag-demo chat`, `watch`, a server) claims
the data folder and listens on the loopback; commands that find it running hand their work over to it.
"""

from rag_demo.owner.client import Owner, find_owner
from rag_demo.owner.endpoint import Endpoint
from rag_demo.owner.wire import Handler, Send

__all__ = ["Endpoint", "Handler", "Owner", "Send", "find_owner"]
