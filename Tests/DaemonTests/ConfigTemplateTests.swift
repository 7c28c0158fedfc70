import Forward
import Glibc
import Telemetry
import Testing
import Wire

@testable import Daemon

@Suite struct ConfigTemplateTests {
  /// `garner config init --output config/garner.yaml` renews it.
  @Test func theFileInTheRepositoryIsTheOneThatInitWrites() throws {
    let here = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    guard case .text(let bytes) = ConfigFile.read("/\(here)/config/garner.yaml") else {
      Issue.record("config/garner.yaml is missing")
      return
    }
    #expect(String(decoding: bytes, as: UTF8.self) == ConfigTemplate.text)
  }

  /// The text as it is after somebody took away every single #.
  private var uncommented: String {
    ConfigTemplate.text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in
        let indent = line.prefix { $0 == " " }
        let rest = line.dropFirst(indent.count)
        return rest.hasPrefix("# ") ? String(indent + rest.dropFirst(2)) : String(line)
      }
      .joined(separator: "\n")
  }

  @Test func asItIsItChangesNothing() throws {
    let found = try resolved(ConfigTemplate.text)
    #expect(found.origins.isEmpty)
  }

  @Test func documentsEveryKeyWithItsDefault() throws {
    let found = try resolved(uncommented)
    for key in ConfigKey.all where !key.isReserved {
      #expect(found.origins[key.path] != nil, "\(key.path) is not documented")
      // Destinations are examples: each key of them is there, and all can be read.
      guard key.path != "data_dir", key.path != "destinations" else { continue }
      #expect(key.show(found.config) == key.defaultText, "\(key.path) has another default")
    }
  }

  @Test func showsWhichLabelsLokiGetsByDefault() throws {
    let loki = try resolved(uncommented).config.destinations.first { $0.type == .loki }
    #expect(loki?.loki.labels == LokiOptions.defaultLabels)
  }

  @Test func documentsEveryKeyOfADestination() throws {
    let config = try resolved(uncommented).config
    #expect(config.destinations.count > 3)
    for key in DestinationKey.all {
      let name = key.path.split(separator: ".").last ?? ""
      #expect(ConfigTemplate.text.contains(" \(name):"), "\(key.path) is not documented")
      #expect(key.doc.hasSuffix("."), "\(key.path)")
    }
  }

  @Test func everyKeyHasASentence() {
    for key in ConfigKey.all where !key.isReserved {
      #expect(key.doc.hasSuffix("."), "\(key.path)")
    }
    #expect(Set(ConfigKey.all.map(\.path)).count == ConfigKey.all.count)
    #expect(Set(ConfigKey.all.map(\.environmentName)).count == ConfigKey.all.count)
  }

  @Test func linesAreNotOverlong() {
    for line in ConfigTemplate.text.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
  }

  @Test func neverOverwritesAFile() throws {
    let folder = try ConfigFolder()
    let path = try folder.write("drain: 1s", as: "garner.yaml")
    #expect(throws: ValueFault("File exists")) { try ConfigTemplate.write(to: path) }
    #expect(try ConfigRequest(file: path).resolve().config.drain == .seconds(1))
  }

  @Test func makesTheFoldersAboveTheFile() throws {
    let folder = try ConfigFolder()
    let path = "\(folder.path)/a/b/garner.yaml"
    try ConfigTemplate.write(to: path)
    defer {
      unlink(path)
      rmdir("\(folder.path)/a/b")
      rmdir("\(folder.path)/a")
    }
    guard case .text(let bytes) = ConfigFile.read(path) else {
      Issue.record("nothing was written")
      return
    }
    #expect(bytes == Array(ConfigTemplate.text.utf8))
  }

  @Test func theListingNamesEveryValueAndItsOrigin() throws {
    let found = try resolved("drain: 4s\nretention: {max_bytes: 16MiB, classes: {detail: {age: 1d}}}")
    let rows = Dictionary(uniqueKeysWithValues: found.listing.map { ($0.key, $0) })
    #expect(rows["drain"]?.value == "4s")
    #expect(rows["drain"]?.from.hasSuffix("garner.yaml:1") == true)
    #expect(rows["retention.reserve_bytes"]?.value == "12MiB")
    #expect(rows["retention.classes.detail"]?.value == #"{"age": "1d", "match": ["gui.*", "input.*"]}"#)
    #expect(rows["log.level"]?.from == "default")
  }
}
