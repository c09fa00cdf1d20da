"""Those who watch the engine: Prometheus, logs, objectives. Each subscribes to :mod:`hybrid_embeddings.events`."""
