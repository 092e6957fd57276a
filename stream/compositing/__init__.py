"""The arithmetic of putting people before backgrounds; `stream.composite` is the door."""
