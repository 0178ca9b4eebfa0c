// Judging: see Sources/README.md.
