"""The seams: interfaces of few methods between Mizzen and the libraries below it."""
