// Evaluation: see Sources/README.md.
