"""Language models behind one protocol: Ollama natively, vLLM and TGI through their OpenAI-compatible interface."""
