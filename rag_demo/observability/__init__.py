"""Those who watch the chat: Prometheus. Each subscribes to :mod:`rag_demo.events`."""
