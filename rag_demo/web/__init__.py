"""The chat over HTTP: a page, an API, OpenAI-compatible endpoints, tools for agents (MCP)."""
