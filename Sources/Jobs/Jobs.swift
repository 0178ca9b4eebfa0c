// Jobs: see Sources/README.md.
