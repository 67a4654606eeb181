"""What tests play on a cluster: Mizzen installed in a namespace (`stage`, `modelstage`), who works
with it (`laptop`, `load`), what watches it (`prometheus`, `rights`), and the demo (`story`)."""
