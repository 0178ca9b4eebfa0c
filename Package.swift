// swift-tools-version: 6.2
import PackageDescription

// The rooms of the house and the arrows between them. `Sources/README.md` is the map; a dependency that is not listed
// here does not compile.

/// `CORD_FUZZ=1` compiles every room for libFuzzer and adds `cord-fuzz`, which runs the targets of Tests/Fuzz
/// (benchmarks/quality/fuzz.sh).
let fuzzing = Context.environment["CORD_FUZZ"] != nil

let strict: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
    ] + (fuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : [])

/// The floors, from the ground up, and the rooms on each: `Sources/FLOOR/ROOM`. A room knows those of its own floor and of the floors below.
let floors: [(name: String, rooms: [String])] = [
    (
        "Libraries",
        [
            "CArchive", "CCrypto", "CFFmpeg", "CGNU", "CMicroHTTP", "CMPG123",
            "COpenBLAS", "COpus", "CPCRE2", "CSndFile", "CSoxr",
        ]
    ),
    ("Support", ["Archives", "Encodings", "Files", "Hashing", "JSON", "Patterns", "Randomness", "Remote", "Workers"]),
    ("Arithmetic", ["CKernels", "Tensors"]),
    ("Model", ["Audio", "CordNano", "Generation", "Models", "Structure", "Tokenization", "Weights", "cord-decode"]),
    ("Measuring", ["CordBench", "Evaluation", "Judging", "Questions", "Speech"]),
    ("Learning", ["Objectives", "Pretraining", "Training"]),
    ("Operation", ["API", "Jobs", "Workshop"]),
    ("Service", ["HTTP", "Server", "cord"]),
]

func floor(of room: String) -> Int? { floors.firstIndex { $0.rooms.contains(room) } }

func place(_ room: String) -> String {
    guard let floor = floor(of: room) else { fatalError("the room \(room) stands on no floor") }
    return "Sources/\(floors[floor].name)/\(room)"
}

func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: place(name), resources: resources, swiftSettings: strict)
}

/// - Parameter isPlain: whether the tests make do without `TestSupport`.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], isPlain: Bool = false) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name)] + (isPlain ? [] : ["TestSupport"]) + dependencies, swiftSettings: strict)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "cord",
    products: [
        .executable(name: "cord", targets: ["cord"]),
        .executable(name: "cord-decode", targets: ["cord-decode"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // C libraries, one room each: a module map and a shim.
        .systemLibrary(name: "CMicroHTTP", path: place("CMicroHTTP"), pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "COpenBLAS", path: place("COpenBLAS"), pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSndFile", path: place("CSndFile"), pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "COpus", path: place("COpus"), pkgConfig: "opus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(name: "CSoxr", path: place("CSoxr"), pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
        .systemLibrary(name: "CMPG123", path: place("CMPG123"), pkgConfig: "libmpg123", providers: [.apt(["libmpg123-dev"])]),
        // Without pkgConfig, whose libraries `cord` would load, too: they are for `cord-decode` alone.
        .systemLibrary(
            name: "CFFmpeg", path: place("CFFmpeg"),
            providers: [.apt(["libavformat-dev", "libavcodec-dev", "libavutil-dev"])]),
        .systemLibrary(name: "CPCRE2", path: place("CPCRE2"), pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CArchive", path: place("CArchive"), pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCrypto", path: place("CCrypto"), pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        // Arithmetic.
        .target(
            name: "CKernels", path: place("CKernels"), cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=off"])],
            linkerSettings: [.linkedLibrary("m")]),
        .executableTarget(
            name: "kernel-bench", dependencies: ["CKernels", "COpenBLAS"], path: "benchmarks/speed/kernels",
            linkerSettings: [.linkedLibrary("openblas")]),
        .executableTarget(
            name: "structure-bench", dependencies: ["JSON", "Randomness", "Structure"], path: "benchmarks/speed/structure", swiftSettings: strict),
        room("Tensors", ["CKernels", "COpenBLAS"]),
        room("Weights", ["Tensors", "Patterns", "Files", "JSON"]),

        // Leaves.
        .target(name: "CGNU", path: place("CGNU")),
        room("Audio", ["CMPG123", "COpus", "CSndFile", "CSoxr", "CGNU", "Files", "Hashing", "JSON"]),
        .executableTarget(
            name: "cord-decode", dependencies: ["CFFmpeg"], path: place("cord-decode"),
            linkerSettings: [.linkedLibrary("avformat"), .linkedLibrary("avcodec"), .linkedLibrary("avutil")]),
        room("Files", ["CGNU"]),
        room("JSON", ["Files"]),
        room("Patterns", ["CPCRE2"]),
        room("Tokenization", ["Files", "Patterns"]),
        room("Structure", ["JSON"]),
        room("Objectives", ["Tensors"]),
        room("HTTP", ["CMicroHTTP", "Files", "Randomness", "Workers", logging]),
        room("Hashing", ["CCrypto"]),
        room("Encodings", ["Files", "JSON"]),
        room("API", ["Encodings", "Files", "Objectives", "Weights"]),
        room("Archives", ["CArchive", "Files"]),
        room("Jobs", ["Files", "Hashing", .product(name: "GRDB", package: "GRDB.swift")]),
        room("Randomness"),
        room("Questions", ["Randomness"]),
        room("Remote"),
        room("Workers", ["CGNU"]),

        // The runtime.
        room("Models", ["CKernels", "JSON", "Randomness", "Tensors", "Weights", "Audio"]),
        room("Generation", ["Files", "JSON", "Models", "Structure", "Weights", "Tensors", "Audio", "Tokenization", "Randomness", "Workers"]),
        room("CordNano", ["Files"], resources: [.copy("Checkpoint"), .copy("Adapter")]),

        // Measuring and closing the gap.
        room("Judging", ["Files", "Hashing", "Remote", "Workers"]),
        room(
            "Speech",
            [
                "Audio", "Files", "Hashing", "Questions", "Randomness", "Remote", .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        room("CordBench", ["Files"], resources: [.copy("cord-bench-1"), .copy("cord-bench-2")]),
        room(
            "Evaluation",
            [
                "Encodings", "Files", "JSON", "Judging", "Hashing", "Generation", "Models", "Tensors", "Tokenization", "Audio",
                "Remote", "CordBench", "Randomness", "Workers",
            ], resources: [.embedInCode("Rendering/report.css"), .embedInCode("Rendering/report.js")]),
        room(
            "Training",
            [
                "Encodings", "Generation", "JSON", "Objectives", "Judging", "Tensors", "Weights", "Models", "Audio", "Tokenization",
                "Randomness", "Files", "Hashing", "Remote", "Workers",
            ]),

        room(
            "Pretraining",
            [
                "Training", "Generation", "Models", "Tensors", "Weights", "Audio", "Tokenization", "Questions", "Speech", "Objectives",
                "Judging", "Randomness",
            ]),

        // What outlives the process, without HTTP.
        room(
            "Workshop",
            [
                "API", "Archives", "Audio", "CGNU", "CordBench", "Encodings", "Evaluation", "Files", "Generation", "Hashing", "JSON", "Jobs",
                "Judging",
                "Models", "Objectives", "Remote", "Structure", "Tensors", "Tokenization", "Training", "Weights", "Workers",
            ]),

        // The program.
        room(
            "Server",
            [
                "API", "Archives", "Audio", "Encodings", "Evaluation", "Files", "Generation", "HTTP", "JSON", "Jobs", "Judging", "Models",
                "Objectives",
                "Structure",
                "Tensors", "Tokenization", "Training", "Workers", "Workshop", logging,
            ], resources: [.copy("OpenAPI")]),
        .executableTarget(
            name: "cord",
            // `cord-decode` is not linked: it is built with `cord` and lies beside it.
            dependencies: [
                "cord-decode", "Server", "Workshop", "API", "Encodings", "HTTP", "Generation", "Audio", "Tokenization", "CordNano", "CordBench",
                "Training",
                "Pretraining", "Objectives", "Judging", "Models", "Tensors", "Evaluation", "Questions", "Randomness", "Speech", "Remote",
                "Archives", "Files", "JSON", "Jobs", "Weights", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            path: place("cord"), swiftSettings: strict),

        // Tests mirror the rooms.
        .target(name: "Disk", path: "Tests/Disk"),
        .target(name: "TestSupport", dependencies: ["Disk", "HTTP", "Workers"], path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "FakeModel", dependencies: ["Audio", "Generation", "JSON", "Models", "Tensors", "TestSupport", "Tokenization", "Weights"],
            path: "Tests/FakeModel", swiftSettings: strict),
        .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"], swiftSettings: strict),
        tests("CKernels"),
        tests("Tensors"),
        tests("Weights", ["JSON", "Patterns", "Tensors"]),
        tests("Audio", ["Hashing"]),
        tests("Patterns"),
        tests("Tokenization", ["CordNano"]),
        tests("Structure", ["JSON", "Randomness"]),
        tests("Hashing", isPlain: true),
        tests("HTTP", ["Files", logging]),
        tests("Encodings", ["Files"]),
        tests("Files", isPlain: true),
        tests("JSON", isPlain: true),
        tests("API", ["Objectives", "Server", "Workshop"]),
        tests("Archives", isPlain: true),
        tests("Jobs", [.product(name: "GRDB", package: "GRDB.swift")]),
        tests("Models", ["Audio", "JSON", "Weights", "Tensors"]),
        tests("Generation", ["FakeModel", "JSON", "Models", "Audio", "Weights", "Tensors", "Tokenization", "CordBench", "CordNano"]),
        tests("Judging", ["Remote"]),
        tests("Questions", ["Randomness"]),
        tests("Remote"),
        tests("Workers", isPlain: true),
        tests("Speech", ["Audio", "Hashing", "Questions", "Randomness"], isPlain: true),
        tests("Pretraining", ["Audio", "CordNano", "Generation", "Models", "Randomness", "Speech", "Tensors", "Training"]),
        tests("Evaluation", ["Audio", "Encodings", "Hashing", "Judging", "Generation", "CordNano", "CordBench", "Randomness"]),
        tests("Objectives", ["Tensors"], isPlain: true),
        tests("Workshop", ["Archives", "Evaluation", "Files", "HTTP", "Jobs"]),
        tests(
            "Training",
            [
                "FakeModel", "Generation", "JSON", "Objectives", "Judging", "Tensors", "Weights", "Models", "Audio", "CordNano",
                "Remote", "Tokenization",
            ]),
        tests(
            "Server",
            [
                "API", "Archives", "FakeModel", "Jobs", "Judging", "HTTP", "Generation", "Models", "Audio", "CordNano", "CordBench", "Evaluation",
                "JSON",
                "Objectives", "Remote", "Speech", "Structure", "Tensors", "Training", "Workers", "Workshop", logging,
            ]),
        // The program as users run it: built, but not linked.
        .testTarget(name: "CommandLineTests", dependencies: ["cord", "Files", "Objectives", "TestSupport", "Workshop"], swiftSettings: strict),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "API", "Archives", "Audio", "Evaluation", "Generation", "HTTP", "JSON", "Models", "Objectives", "Structure", "Tensors",
                "TestSupport", "Tokenization", "Training", "Weights", logging,
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: strict),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"], swiftSettings: strict),
    ]
        + (fuzzing
            ? [
                // GNU's gold, the default linker, fails on instrumented objects.
                .executableTarget(
                    name: "cord-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver",
                    swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])],
                    linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
            ] : [])
)

// `CORD_ONLY=StructureTests,TensorsTests` leaves these and what they need: for tools that break, or instrument, a few rooms
// (benchmarks/quality/mutations.py, sanitize.sh).
if let only = Context.environment["CORD_ONLY"] {
    var kept: Set<String> = []
    var wanted = only.split(separator: ",").map(String.init)
    while let name = wanted.popLast() {
        guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else { continue }
        // The room starts the program.
        if name == "Audio" { wanted.append("cord-decode") }
        for case .byNameItem(let name, _) in target.dependencies { wanted.append(name) }
    }
    package.products = []
    package.targets.removeAll { !kept.contains($0.name) }
}

// An arrow that points up is no package.
for target in package.targets {
    guard let here = floor(of: target.name) else { continue }
    for case .byNameItem(let name, _) in target.dependencies where (floor(of: name) ?? 0) > here {
        fatalError("\(target.name), on the floor \(floors[here].name), knows \(name) above it")
    }
}
