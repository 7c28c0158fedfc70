import Telemetry
import TestSupport
import Testing
import Wire

/// One request in both encodings gives the same rows (CONFORMANCE GRPC-11).
@Suite struct JSONEqualityTests {
  @Test(arguments: Signal.allCases)
  func readsTheSameFromBothEncodings(signal: Signal) {
    for seed in 0..<400 {
      let sample = OTLPSample(signal, seed: UInt64(seed) &+ 1000)
      let json = JSONOutcome(signal, sample.json)
      let protobuf = JSONOutcome(signal, protobuf: sample.protobuf)
      #expect(json.error == nil, "seed \(seed)")
      guard json.lines != protobuf.lines else { continue }
      for (ours, theirs) in zip(json.lines, protobuf.lines) where ours != theirs {
        Issue.record("seed \(seed):\njson     \(ours)\nprotobuf \(theirs)")
        break
      }
      #expect(json.lines.count == protobuf.lines.count, "seed \(seed)")
    }
  }

  /// White space, escapes, the order of the keys and unknown keys mean nothing.
  @Test(arguments: Signal.allCases)
  func doesNotMindHowTheTextIsWritten(signal: Signal) {
    for seed in 0..<60 {
      let sample = OTLPSample(signal, seed: UInt64(seed))
      let tree = JSONTree(sample.json)
      let plain = JSONOutcome(signal, sample.json).lines
      for style in JSONStyle.allCases {
        #expect(JSONOutcome(signal, style.written(tree)).lines == plain, "seed \(seed), \(style)")
      }
    }
  }
}

/// Ways to write one and the same JSON value.
enum JSONStyle: CaseIterable {
  case spaced, escaped, backwards, withUnknownKeys, withNulls, repeated

  func written(_ tree: JSONTree, under key: String = "") -> String {
    switch tree {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .number(let number): number
    case .text(let text): quoted(text, escaped: self == .escaped && Self.texts.contains(key))
    case .array(let elements): "[" + elements.map { written($0) }.joined(separator: separator) + "]"
    case .object(let members): object(members)
    }
  }

  /// Members that are free text. Ids and numbers are not escaped by anybody.
  private static let texts = [
    "stringValue", "key", "name", "unit", "description", "version", "traceState", "severityText", "eventName",
    "message", "schemaUrl",
  ]

  private var separator: String { self == .spaced ? " ,\r\n\t" : "," }

  private func object(_ members: [JSONTree.Member]) -> String {
    var texts = members.map {
      quoted($0.key, escaped: self == .escaped) + (self == .spaced ? " : " : ":") + written($0.value, under: $0.key)
    }
    switch self {
    case .backwards: texts.reverse()
    case .withUnknownKeys:
      texts.insert("\"\\u0041 key\":{\"a\":[1,-2.5e+7,{}, []],\"b\":[null,true,\"\\ud83d\\ude00\"]}", at: 0)
    case .withNulls:
      texts = ["attributes", "value", "flags", "resource", "timeUnixNano"].map { "\"\($0)\":null" } + texts
    case .repeated: texts = members.map { quoted($0.key, escaped: false) + ":" + decoy($0.value) } + texts
    default: break
    }
    return (self == .spaced ? "{ " : "{") + texts.joined(separator: separator) + (self == .spaced ? "\n}" : "}")
  }

  /// Something legal in the place of `tree`.
  private func decoy(_ tree: JSONTree) -> String {
    switch tree {
    case .object: "{}"
    case .array(let elements): if case .object = elements.first { "[{},{}]" } else { written(tree) }
    default: written(tree)
    }
  }

  private func quoted(_ text: String, escaped: Bool) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      guard escaped || scalar.value < 0x20 || scalar == "\"" || scalar == "\\" else {
        out.unicodeScalars.append(scalar)
        continue
      }
      for unit in String(scalar).utf16 {
        let hex = String(unit, radix: 16, uppercase: unit & 1 == 0)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      }
    }
    return out + "\""
  }
}
