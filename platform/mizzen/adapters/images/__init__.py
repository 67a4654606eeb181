"""What the images of steps hold."""
