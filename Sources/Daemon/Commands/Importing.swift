import Door
import Glibc
import Intake
package import Store
import Telemetry
import Wire

/// `garner import` inside the process that holds the lock.
package enum Importing {
  /// One file; the summary as JSON. Throws when the file cannot be read at all or the store takes no more.
  ///
  /// A content that was imported or dropped before adds nothing, unless `options.again`. An export is looked through all the
  /// same: it brings back what was cleared since. What `NAME.meta.json` beside the
  /// file says goes before `options.sidecar`.
  package static func run(
    _ path: String, _ store: DataStore, _ options: ImportOptions,
    progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
  ) async throws -> String {
    var options = options
    if let beside = try sidecar(beside: path) { options.sidecar = beside.over(options.sidecar) }
    var decoding = DecodeOptions(now: FileSystem.now())
    decoding.component = Array((options.sidecar.component ?? "import").utf8)
    if let session = options.sidecar.sessionID { decoding.anonymousSession = Array(session.utf8) }
    let hash = try rawHash(path)
    let before = try store.mark(DropProgress.key(hash)).flatMap { DropProgress(value: $0) }
    if let before, before.state == .done, before.stored > 0, before.format != exportFormat, !options.again {
      var summary = ImportSummary()
      summary.received = before.received
      summary.deduplicated = before.received
      return json(summary)
    }
    let summary = try await Import(
      into: store.writer, decoding: decoding, options: options, progress: progress
    ).run(path)
    if summary.bad == 0, summary.rejected == 0, before == nil {
      var taken = DropProgress()
      taken.state = .done
      // What is said of the file is kept like what is in it.
      func told(_ text: String) -> String { options.protector?.scrubbed(text) ?? text }
      taken.name = told(String(path.split(separator: "/").last ?? ""))
      taken.source = told(options.sidecar.source ?? "")
      taken.format = summary.isExport ? exportFormat : "import"
      taken.bytes = FileSystem.length(path)
      taken.takenAt = decoding.now
      taken.finishedAt = FileSystem.now()
      taken.received = summary.received
      taken.stored = summary.stored
      taken.filtered = summary.filtered
      taken.deduplicated = summary.deduplicated
      // Everything is stored: without the mark the file is only looked through again.
      _ = try? await store.writer.append(
        DropLoad(refused: [], source: "").batch, key: nil, door: ImportRoad.door,
        marks: [Mark(key: DropProgress.key(hash), value: taken.value)])
    }
    return json(summary)
  }

  /// As the drop folder calls it.
  private static let exportFormat = "garner_export"

  /// Nil: there is none.
  private static func sidecar(beside path: String) throws -> FileSidecar? {
    let name = path + ".meta.json"
    guard FileSystem.exists(name) else { return nil }
    do throws(DecodeError) {
      let bytes = (try? FileSystem.read(name)) ?? []
      var failure: DecodeError?
      var sidecar: FileSidecar?
      bytes.withUnsafeBytes { bytes in
        do throws(DecodeError) { sidecar = try FileSidecar(json: bytes) } catch { failure = error }
      }
      if let failure { throw failure }
      if let source = sidecar?.source, !SourceName.isValid(source) {
        throw DecodeError(.malformed, "source must be \(SourceName.rule)", at: 0)
      }
      return sidecar
    } catch {
      throw ImportError(name, "\(error.message) (at byte \(error.offset))")
    }
  }

  /// What sources look like; nil: this one does.
  package static func rule(against source: String) -> String? {
    SourceName.isValid(source) ? nil : SourceName.rule
  }

  /// SHA-256 of the file as it lies there.
  private static func rawHash(_ path: String) throws(FileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("open", path) }
    defer { close(file) }
    guard let hash = DropHash.hash(file, length: FileSystem.length(path)) else { throw FileError("read", path) }
    return hash
  }

  private static func json(_ summary: ImportSummary) -> String {
    let problems = summary.problems.map(JSONText.quoted).joined(separator: ",")
    return """
      {"received":\(summary.received),"stored":\(summary.stored),"rejected":\(summary.rejected),\
      "filtered":\(summary.filtered),"deduplicated":\(summary.deduplicated),"bad":\(summary.bad),\
      "problems":[\(problems)]}
      """
  }

  /// What flags say, as a sidecar would.
  package static func sidecar(source: String?, attributes: [String]) -> String {
    var members: [String] = []
    if let source { members.append("\"source\":\(JSONText.quoted(source))") }
    let pairs = attributes.map { attribute in
      let parts = attribute.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return JSONText.quoted(parts[0]) + ":" + JSONText.quoted(parts.count > 1 ? parts[1] : "")
    }
    if !pairs.isEmpty { members.append("\"attributes\":{\(pairs.joined(separator: ","))}") }
    return "{\(members.joined(separator: ","))}"
  }

  /// For a store that is opened by the command itself.
  package static func options(
    sidecar: String, again: Bool, keep: Int64?, _ config: GarnerConfig
  ) throws -> ImportOptions {
    var options = ImportOptions()
    options.again = again
    options.keep = keep
    options.sidecar = try Array(sidecar.utf8).withUnsafeBytes { try FileSidecar(json: $0) }
    do {
      options.protector = try Protector(config, now: FileSystem.now())
    } catch let fault as PseudonymKeyFile.Fault {
      throw ConfigError([ConfigProblem("`privacy.key_file`: \(fault)")])
    }
    return options
  }
}
