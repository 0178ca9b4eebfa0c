public import ArgumentParser
public import Logging

/// The levels by their names, so that help and settings tell the default.
extension Logger.Level: @retroactive ExpressibleByArgument {}
