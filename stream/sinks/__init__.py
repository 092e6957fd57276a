"""Where frames go: files with sound and pictures; `stream.sink` is the door."""
