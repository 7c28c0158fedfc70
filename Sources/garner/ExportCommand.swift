import ArgumentParser
import Daemon
import Glibc
import Store
import Telemetry

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write what matches into one file.")

  @OptionGroup var times: TimeArguments

  @Option(name: .customLong("category"), help: "Only this category; may be repeated.")
  var categories: [String] = []

  @Option(help: ArgumentHelp("Only this trace.", valueName: "id"))
  var trace: String?

  @Option(help: ArgumentHelp("Only this game.", valueName: "id"))
  var game: String?

  @Option(
    help: ArgumentHelp("Only rows of this player: an id as the game has it, or a pseudonym.", valueName: "id"))
  var player: String?

  @Flag(help: "The restricted classes (anti-cheat) too.")
  var restricted = false

  @Option(help: "sqlite, ndjson, csv, json or otlp.")
  var format = ExportFormat.sqlite

  @Option(name: .shortAndLong, help: ArgumentHelp("File to write; - is the standard output.", valueName: "file"))
  var output: String

  @OptionGroup var place: PlaceArguments

  func validate() throws {
    if format == .sqlite, output == "-" { throw ValidationError("a database cannot go to the standard output") }
    if let trace, Self.bytes(ofHex: trace)?.count != 16 { throw ValidationError("--trace takes 32 hexadecimal digits") }
  }

  func run() async throws {
    let resolved = try place.resolve()
    let directory = try resolved.existingDirectory()
    try keepOut(of: directory)
    var request = ExportRequest(format, to: output, now: FileSystem.now())
    request.filter.from = times.from
    request.filter.to = times.to
    request.filter.categories = categories
    request.filter.trace = trace.flatMap(Self.bytes)
    request.filter.gameID = game
    request.filter.players = try player.map { try resolved.config.pseudonyms(of: $0) } ?? []
    request.filter.includeRestricted = restricted
    request.filter.restrictedClasses = resolved.config.retention.classes.classes.filter(\.restricted).map(\.name)
    let shown = Progress("exported", unit: "rows")
    let export = Export(
      request,
      progress: { shown.show($0) }, files: { () throws(SQLiteError) in try FileList.read(directory) })
    let summary: ExportSummary
    Unfinished.arm()
    do {
      summary = try export.run()
    } catch {
      throw CommandFailure(.inputOutput, "\(error)")
    }
    shown.finish()
    for warning in summary.warnings { Output.error("warning: \(warning)") }
    if summary.rows == 0 { Output.error("warning: nothing matched") }
    Output.error("\(summary.rows) rows, \(summary.records) records, \(summary.bytes) bytes")
  }

  /// What the daemon keeps under names of its own is nothing that an export may replace.
  private func keepOut(of directory: DataDirectory) throws {
    guard output != "-", let data = Self.real(directory.path) else { return }
    let (folder, name) = DatabaseExport.split(output)
    guard let place = Self.real(output) ?? Self.real(folder).map({ "\($0)/\(name)" }) else { return }
    guard place.hasPrefix(data + "/"), DataDirectory.isOwn(String(place.dropFirst(data.count + 1))) else { return }
    throw CommandFailure(.usage, "\(output) belongs to the data directory; \(directory.exports)/ takes exports there")
  }

  private static func real(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  private static func bytes(ofHex text: String) -> [UInt8]? {
    let digits = text.utf8.map { byte -> UInt8? in
      switch byte {
      case 0x30...0x39: byte - 0x30
      case 0x41...0x46: byte - 0x37
      case 0x61...0x66: byte - 0x57
      default: nil
      }
    }
    guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
    let values = digits.compactMap { $0 }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}

extension ExportFormat: ExpressibleByArgument {}
