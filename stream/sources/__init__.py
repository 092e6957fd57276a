"""Where frames come from: cameras, files, streams, pictures; `stream.source` is the door."""
