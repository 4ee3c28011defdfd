"""The command line: typer commands over the public API."""
