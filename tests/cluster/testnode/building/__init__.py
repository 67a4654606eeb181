"""What a node needs, built once: `parts` says which versions and why, `build` makes them."""
