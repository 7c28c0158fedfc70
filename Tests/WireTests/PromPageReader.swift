/// Reads a page of metrics as strictly as the formats are written: anything that they forbid is an error.
struct PromPageReader {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  struct Sample: Hashable {
    var name: String
    var labels: [String: String] = [:]
    var value = 0.0
    var hasTime = false
    var exemplar: [String: String]?
  }

  struct Family {
    var name: String
    var type: String?
    var help: String?
    var unit: String?
    var samples: [Sample] = []
  }

  private(set) var families: [Family] = []
  private let isOpenMetrics: Bool
  private var seen: Set<Sample> = []
  private var names: Set<String> = []

  init(_ page: [UInt8], openMetrics: Bool) throws {
    isOpenMetrics = openMetrics
    guard String(validating: page, as: UTF8.self) != nil else { throw Failure(description: "not UTF-8") }
    var lines = page.split(separator: 0x0a, omittingEmptySubsequences: false)[...]
    if lines.last?.isEmpty ?? false {
      lines = lines.dropLast()
    } else if !page.isEmpty && !openMetrics {
      throw Failure(description: "no line feed at the end")
    }
    if openMetrics {
      guard lines.last.map({ String(decoding: $0, as: UTF8.self) }) == "# EOF" else {
        throw Failure(description: "no # EOF")
      }
      lines = lines.dropLast()
    }
    for line in lines {
      do { try read(Array(line)) } catch let failure as Failure {
        throw Failure(description: "\(failure.description) in: \(String(decoding: line, as: UTF8.self))")
      }
    }
    for family in families { try check(family) }
  }

  var samples: [Sample] { families.flatMap(\.samples) }

  // MARK: lines

  private mutating func read(_ line: [UInt8]) throws {
    if line.isEmpty {
      if isOpenMetrics { throw Failure(description: "empty line") }
      return
    }
    var cursor = PromLineCursor(line)
    if cursor.passes("# ") {
      let word = cursor.word()
      guard ["HELP", "TYPE", "UNIT"].contains(word), cursor.passes(" ") else {
        if isOpenMetrics { throw Failure(description: "unknown comment") }
        return
      }
      let name = try cursor.passes("\"") ? cursor.quoted() : cursor.name(colons: true)
      let text = cursor.passes(" ") ? cursor.rest() : ""
      try comment(word, name, text)
    } else {
      try sample(&cursor)
    }
  }

  private mutating func comment(_ word: String, _ name: String, _ text: String) throws {
    if families.last?.name != name {
      guard names.insert(name).inserted else { throw Failure(description: "family \(name) is interleaved") }
      families.append(Family(name: name))
    }
    let last = families.count - 1
    guard families[last].samples.isEmpty else { throw Failure(description: "comment behind samples") }
    switch word {
    case "TYPE":
      let types =
        isOpenMetrics
        ? ["counter", "gauge", "histogram", "summary", "unknown", "info", "stateset", "gaugehistogram"]
        : ["counter", "gauge", "histogram", "summary", "untyped"]
      guard families[last].type == nil, types.contains(text) else { throw Failure(description: "bad TYPE") }
      families[last].type = text
    case "HELP":
      guard families[last].help == nil else { throw Failure(description: "two HELP") }
      families[last].help = text
    default:
      guard isOpenMetrics, families[last].unit == nil, name.hasSuffix("_\(text)") else {
        throw Failure(description: "bad UNIT")
      }
      families[last].unit = text
    }
  }

  private mutating func sample(_ cursor: inout PromLineCursor) throws {
    var sample = Sample(name: "")
    if cursor.peek != UInt8(ascii: "{") { sample.name = try cursor.name(colons: true) }
    if cursor.passes("{") {
      let (labels, quotedName) = try cursor.labels()
      sample.labels = labels
      if let quotedName {
        guard sample.name.isEmpty else { throw Failure(description: "two names") }
        sample.name = quotedName
      }
    }
    guard !sample.name.isEmpty, cursor.passes(" ") else { throw Failure(description: "no value") }
    sample.value = try cursor.number()
    if cursor.peek == UInt8(ascii: " "), cursor.second != UInt8(ascii: "#") {
      _ = cursor.passes(" ")
      _ = try cursor.number()
      sample.hasTime = true
    }
    if cursor.passes(" # {") {
      guard isOpenMetrics else { throw Failure(description: "exemplar") }
      let labels = try cursor.labels().labels
      let runes = labels.reduce(0) { $0 + $1.key.unicodeScalars.count + $1.value.unicodeScalars.count }
      guard runes <= 128, cursor.passes(" ") else { throw Failure(description: "bad exemplar") }
      _ = try cursor.number()
      if cursor.passes(" ") { _ = try cursor.number() }
      sample.exemplar = labels
    }
    guard cursor.isAtEnd else { throw Failure(description: "something behind the sample") }
    try append(sample)
  }

  private mutating func append(_ sample: Sample) throws {
    var identity = Sample(name: sample.name)
    identity.labels = sample.labels
    guard seen.insert(identity).inserted else { throw Failure(description: "twice") }
    if let last = families.indices.last, Self.belongs(sample.name, to: families[last], isOpenMetrics) {
      families[last].samples.append(sample)
    } else {
      guard names.insert(sample.name).inserted, !(isOpenMetrics && families.contains { $0.name == sample.name }) else {
        throw Failure(description: "family \(sample.name) is interleaved")
      }
      families.append(Family(name: sample.name, samples: [sample]))
    }
  }

  private static func belongs(_ sample: String, to family: Family, _ isOpenMetrics: Bool) -> Bool {
    let suffixes: [String] =
      switch family.type {
      case "counter": isOpenMetrics ? ["_total", "_created"] : [""]
      case "histogram": ["_bucket", "_sum", "_count", "_created"]
      case "summary": ["", "_sum", "_count", "_created"]
      case "info": ["_info"]
      default: [""]
      }
    return suffixes.contains { sample == family.name + $0 }
  }

  // MARK: families

  private func check(_ family: Family) throws {
    for sample in family.samples where sample.exemplar != nil {
      guard ["_bucket", "_total"].contains(where: sample.name.hasSuffix) else {
        throw Failure(description: "exemplar at \(sample.name)")
      }
    }
    if family.type == "counter", family.samples.contains(where: { $0.value < 0 || $0.value.isNaN }) {
      throw Failure(description: "counter \(family.name) is negative")
    }
    if family.type == "histogram" { try checkBuckets(family) }
  }

  private func checkBuckets(_ family: Family) throws {
    var groups: [[String: String]: [Sample]] = [:]
    for sample in family.samples {
      var labels = sample.labels
      labels["le"] = nil
      groups[labels, default: []].append(sample)
    }
    for group in groups.values {
      let buckets = group.filter { $0.name.hasSuffix("_bucket") }
      let bounds = buckets.map { $0.labels["le"].flatMap(Self.bound) ?? .nan }
      guard bounds.last == .infinity, zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }),
        zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value })
      else { throw Failure(description: "buckets of \(family.name)") }
      if let count = group.first(where: { $0.name.hasSuffix("_count") }), count.value != buckets.last?.value {
        throw Failure(description: "count of \(family.name)")
      }
    }
  }

  private static func bound(_ text: String) -> Double? { text == "+Inf" ? .infinity : Double(text) }
}

/// A place in one line.
struct PromLineCursor {
  private var bytes: ArraySlice<UInt8>

  init(_ line: [UInt8]) { bytes = line[...] }

  var isAtEnd: Bool { bytes.isEmpty }
  var peek: UInt8? { bytes.first }
  var second: UInt8? { bytes.dropFirst().first }

  mutating func passes(_ text: String) -> Bool {
    guard bytes.starts(with: text.utf8) else { return false }
    bytes = bytes.dropFirst(text.utf8.count)
    return true
  }

  mutating func word() -> String {
    let word = bytes.prefix { $0 != 0x20 }
    bytes = bytes.dropFirst(word.count)
    return String(decoding: word, as: UTF8.self)
  }

  mutating func rest() -> String {
    defer { bytes = [] }
    return String(decoding: bytes, as: UTF8.self)
  }

  mutating func name(colons: Bool) throws -> String {
    let marks = Array((colons ? "_:" : "_").utf8)
    let name = bytes.prefix { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || marks.contains($0) }
    guard let first = name.first, first &- 0x30 >= 10 else { throw PromPageReader.Failure(description: "bad name") }
    bytes = bytes.dropFirst(name.count)
    return String(decoding: name, as: UTF8.self)
  }

  /// Behind the opening quote.
  mutating func quoted() throws -> String {
    var text: [UInt8] = []
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let letter = bytes.popFirst() else { break }
        switch letter {
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): text.append(letter)
        // What is no escape stands for itself.
        default: text += [UInt8(ascii: "\\"), letter]
        }
      default: text.append(byte)
      }
    }
    throw PromPageReader.Failure(description: "open quote")
  }

  /// Behind the opening bracket.
  mutating func labels() throws -> (labels: [String: String], name: String?) {
    var labels: [String: String] = [:]
    var quotedName: String?
    while !passes("}") {
      let isQuoted = passes("\"")
      let name = try isQuoted ? quoted() : name(colons: false)
      if isQuoted, !passes("=") {
        quotedName = name
      } else {
        guard isQuoted || passes("="), passes("\""), labels.updateValue(try quoted(), forKey: name) == nil else {
          throw PromPageReader.Failure(description: "bad label \(name)")
        }
      }
      if !passes(",") && peek != UInt8(ascii: "}") { throw PromPageReader.Failure(description: "bad labels") }
    }
    return (labels, quotedName)
  }

  mutating func number() throws -> Double {
    let text = word()
    let special: [String: Double] = ["+Inf": .infinity, "-Inf": -.infinity, "NaN": .nan]
    guard let number = special[text] ?? Double(text) else {
      throw PromPageReader.Failure(description: "bad number \(text)")
    }
    return number
  }
}
