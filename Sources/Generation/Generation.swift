// Generation: see Sources/README.md.
