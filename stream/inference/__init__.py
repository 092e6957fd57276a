"""Networks and devices; `stream.matting` is the door."""
