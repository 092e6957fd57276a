"""What becomes of mattes after the network; `stream.steps` puts it together."""
