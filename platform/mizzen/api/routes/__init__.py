"""The routes, one module a subject, as `mizzen.state.interface` has them."""
