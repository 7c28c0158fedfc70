import Glibc
import Intake
import Telemetry
import TestSupport
import Testing

/// Whole requests: no field of any protocol is forgotten.
@Suite struct PrivacyBatchTests {
  static let canary = "canary.7f3a@example.org"
  /// Of the same as bytes.
  static let canaryBase64 = "Y2FuYXJ5LjdmM2FAZXhhbXBsZS5vcmc="

  /// All that the store would write, each with its place.
  static func texts(_ batch: Batch) -> [(String, String)] {
    var texts: [(String, String)] = []
    func add(_ place: String, _ slices: Slice...) {
      for slice in slices { texts.append((place, batch.text(slice))) }
    }
    for name in batch.names { add("name", name.category, name.event) }
    for resource in batch.resources { add("resource", resource.attributes, resource.schemaURL, resource.entityRefs) }
    for stream in batch.streams { add("scope", stream.name, stream.version, stream.attributes, stream.schemaURL) }
    for context in batch.contexts {
      add("context", context.source, context.session, context.component)
      add("context", context.gameID, context.gameModule, context.modFingerprint)
    }
    for metric in batch.metrics { add("metric", metric.name, metric.unit, metric.description, metric.metadata) }
    for series in batch.series { add("series", series.attributes) }
    for row in batch.rows {
      if row.present.contains(.data) { add("data", row.data) }
      if row.present.contains(.ext) { add("ext", row.ext) }
      if row.present.contains(.correlation) { add("correlation", row.correlation) }
      if row.present.contains(.uid) { add("uid", row.uid) }
    }
    for rejection in batch.rejections {
      texts += [("rejection", rejection.record), ("rejection", rejection.path), ("rejection", rejection.source)]
    }
    texts += batch.rejectionCounts.keys.map { ("tally", $0.source) }.sorted { $0.1 < $1.1 }
    texts += batch.warnings.map { ("warning", $0) }
    return texts
  }

  @Test(arguments: Signal.allCases, [false, true])
  func leavesNoCanaryInAnyText(signal: Signal, inKeys: Bool) throws {
    for seed in 0..<60 {
      let sample = OTLPSample(signal, seed: UInt64(seed)).message.planting(Self.canary, inKeys: inKeys)
      let batch = try PrivacySample.decode(signal, sample.protobuf, protobuf: true)
      let before = Self.texts(batch)
      let protected = PrivacySample.protector.protect(batch)
      if !batch.rows.isEmpty { #expect(before.contains { $0.1.contains(Self.canary) }) }
      for (place, text) in Self.texts(protected) {
        #expect(!text.contains("canary") && !text.contains(Self.canaryBase64), "\(place): \(text)")
      }
      #expect(protected.recordCount == batch.recordCount && protected.rejectedCount == batch.rejectedCount)
    }
  }

  @Test(arguments: Signal.allCases)
  func readsBothEncodingsTheSame(signal: Signal) throws {
    for seed in 0..<40 {
      let sample = OTLPSample(signal, seed: UInt64(seed)).message.planting("see 203.0.113.7, ok", inKeys: false)
      let proto = PrivacySample.protector.protect(try PrivacySample.decode(signal, sample.protobuf, protobuf: true))
      let json = PrivacySample.protector.protect(try PrivacySample.decode(signal, sample.json))
      let differences = zip(Self.texts(proto), Self.texts(json)).filter { $0.1 != $1.1 }
      #expect(differences.isEmpty, "\(differences)")
    }
  }

  @Test(arguments: Signal.allCases)
  func changesNothingTwice(signal: Signal) throws {
    for seed in 0..<60 {
      let sample = OTLPSample(signal, seed: UInt64(seed)).message.planting(Self.canary, inKeys: true)
      let once = PrivacySample.protector.protect(try PrivacySample.decode(signal, sample.protobuf, protobuf: true))
      #expect(PrivacySample.protector.protect(once, sender: PrivacySender(trusted: true)) === once)
    }
  }

  @Test(arguments: Signal.allCases)
  func givesBackTheSameBatchWhenNothingIsFound(signal: Signal) throws {
    for seed in 100..<140 {
      let sample = OTLPSample(signal, seed: UInt64(seed))
      let batch = try PrivacySample.decode(signal, sample.protobuf, protobuf: true)
      let protected = PrivacySample.protector.protect(batch)
      let differences = zip(Self.texts(batch), Self.texts(protected)).filter { $0.1 != $1.1 }
      #expect(protected === batch, "\(differences)")
    }
  }

  @Test func leavesTheColumnsAsTheyAre() throws {
    let batch = try PrivacySample.log(
      attributes: """
        {"key":"session.id","value":{"stringValue":"s1"}},{"key":"tick","value":{"intValue":"7"}},\
        {"key":"player.id","value":{"stringValue":"x"}}
        """)
    let protected = PrivacySample.protector.protect(batch)
    #expect(protected.rows[0].tick == 7 && protected.rows[0].time == 1)
    #expect(protected.text(protected.contexts[Int(protected.rows[0].context)].session) == "s1")
    #expect(protected !== batch)
  }

  @Test func scrubsTheColumnsThatAreTakenFromAttributes() throws {
    let batch = try PrivacySample.log(
      attributes: """
        {"key":"session.id","value":{"stringValue":"al@example.org"}},\
        {"key":"correlation","value":{"stringValue":"203.0.113.7"}},\
        {"key":"log.record.uid","value":{"stringValue":"/home/al/1"}}
        """)
    let protected = PrivacySample.protector.protect(batch)
    let row = protected.rows[0]
    #expect(protected.text(protected.contexts[Int(row.context)].session) == "[email]")
    #expect(protected.text(row.correlation) == "[ip]")
    #expect(protected.text(row.uid) == "/home/[user]/1")
  }

  // MARK: acceptance cases

  /// None of these has anything private in it, so the default policy must not touch them.
  @Test func changesNoneOfTheAcceptanceCases() {
    var seen = 0
    for path in Self.files(below: "edge") + Self.files(below: "examples") {
      guard let body = Self.read(path) else { continue }
      for signal in Signal.allCases {
        for protobuf in [false, true] {
          guard let batch = try? PrivacySample.decode(signal, body, protobuf: protobuf),
            batch.recordCount + batch.rejectedCount > 0
          else { continue }
          seen += 1
          let protected = PrivacySample.protector.protect(batch)
          let differences = zip(Self.texts(batch), Self.texts(protected)).filter { $0.1 != $1.1 }
          #expect(protected === batch, "\(path): \(differences)")
        }
      }
    }
    #expect(seen > 40)
  }

  private static var folder: String {
    "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/WireTests/Fixtures/otlp"
  }

  private static func files(below name: String) -> [String] {
    guard let directory = opendir("\(folder)/\(name)") else { return [] }
    defer { closedir(directory) }
    var files: [String] = []
    while let entry = readdir(directory) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if file.hasPrefix(".") { continue }
      let path = "\(name)/\(file)"
      if entry.pointee.d_type == DT_DIR { files += Self.files(below: path) } else { files.append(path) }
    }
    return files.sorted()
  }

  private static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen("\(folder)/\(path)", "rb") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }
}

extension SampleMessage {
  /// The same message with `canary` behind every text and in place of all bytes.
  func planting(_ canary: String, inKeys: Bool) -> SampleMessage {
    var message = self
    for index in fields.indices {
      let name = fields[index].name
      if name == "key" && !inKeys { continue }
      message.fields[index].value = fields[index].value.planting(canary, inKeys: inKeys)
    }
    return message
  }
}

extension SampleValue {
  func planting(_ canary: String, inKeys: Bool) -> SampleValue {
    switch self {
    case .text(let text): .text("\(text) \(canary)")
    case .bytes: .bytes(Array(canary.utf8))
    case .message(let message): .message(message.planting(canary, inKeys: inKeys))
    case .list(let values): .list(values.map { $0.planting(canary, inKeys: inKeys) })
    default: self
    }
  }
}
