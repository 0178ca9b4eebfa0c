// Tokenization: see Sources/README.md.
