"""What only a live picture needs: window, virtual camera, keys, a stand-in for a lost camera."""
