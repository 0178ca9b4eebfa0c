// Weights: see Sources/README.md.
