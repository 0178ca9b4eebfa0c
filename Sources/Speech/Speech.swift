// Speech: see Sources/README.md.
