import ArgumentParser

@main
struct Cord: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "cord", abstract: "Serve, measure and train Large Audio Language Models.")
}
