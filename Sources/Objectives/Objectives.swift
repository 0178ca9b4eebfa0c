// Objectives: see Sources/README.md.
