"""HTTP: OpenAI's contract for speech, a WebSocket, voices, health and a page."""
