"""The operations of a frame, a file each: why it is there, what it costs, and its reference in plain torch."""
