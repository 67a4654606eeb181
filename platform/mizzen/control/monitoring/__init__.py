"""What a champion answered is judged, and answered with a new training."""
