"""One engine for many callers: gRPC, HTTP, WebSocket and Wyoming, a page, and what running them takes."""
