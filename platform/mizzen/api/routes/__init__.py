"""The routes, one module a subject, as `mizzen.control.state.verbs` has them."""
