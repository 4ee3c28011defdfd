"""The talker's KV cache: who holds which page, and the pages themselves."""
