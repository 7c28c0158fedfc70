import Glibc
import Intake
import Telemetry
import TestSupport
import Testing

/// Texts of random bytes: nothing crashes, what comes out is JSON, and scrubbing it again changes nothing.
@Suite struct PrivacyFuzzTests {
  /// Pieces of what the rules look for, so that random texts come near them.
  static let pieces = [
    "\"", "\\", "{", "}", "[", "]", ":", ",", " ", ".", "@", "%40", "/", "=", "-", "_", "7", "0", "a", "J", "K", "\n",
    "203.0.113.7", ":27005", "2001:db8::7", "::ffff:", "::", "x@y.org", "/home/", "/Users/", "C:\\Users\\", "al",
    "token=", "password \"", "api_key", "Bearer ", "Basic ", "eyJ", "gt_", "ghp_", "xoxb-", "AKIA", "sk_live_",
    "rcon 12 \"", "\" say ", "STEAM_1:0:", "[U:1:", "7656119", "8000000001", "00:1b:44:11:3a:b7", "{\"password\":",
    "\"email\":\"", "\\u00", "é", "\u{0}", "null", "true", "1.5e3", "://", "[ip]", "[secret]", "authorization:",
  ]

  @Test func survivesTextsThatComeNearTheRules() throws {
    var random = SampleRandom(seed: 7)
    for _ in 0..<20_000 {
      let text = (0..<random.upTo(12)).map { _ in random.pick(Self.pieces) }.joined()
      check(text)
    }
  }

  @Test func survivesRandomBytes() {
    var random = SampleRandom(seed: 8)
    for _ in 0..<5_000 { check(String(decoding: random.bytes(random.upTo(80)), as: UTF8.self)) }
  }

  private func check(_ text: String) {
    let once = PrivacySample.protector.scrubbed(text) ?? text
    // JSON stays JSON.
    if PrivacyJSON.isContainer(text) { #expect(PrivacyJSON.isContainer(once), "\(text) → \(once)") }
    let twice = PrivacySample.protector.scrubbed(once) ?? once
    #expect(twice == once, "\(text) → \(once)")
  }

  @Test func writesValidJSONWhateverTheTexts() throws {
    var random = SampleRandom(seed: 9)
    for _ in 0..<4_000 {
      let keys = (0..<random.upTo(4)).map { _ in
        random.pick(Self.pieces + ["email", "player.id", "garner.x", "host.id"])
      }
      let values = keys.map { _ in (0..<random.upTo(8)).map { _ in random.pick(Self.pieces) }.joined() }
      let list = zip(keys, values).map { "{\"key\":\(PrivacySample.quoted($0)),\"value\":\(PrivacySample.string($1))}" }
      let batch = try PrivacySample.log(attributes: list.joined(separator: ","))
      let protected = PrivacySample.protector.protect(batch)
      let data = protected.text(protected.rows[0].data)
      #expect(PrivacyJSON.isContainer(data), "\(batch.text(batch.rows[0].data)) → \(data)")
      let twice = PrivacySample.protector.protect(protected, sender: PrivacySender(trusted: true))
      #expect(twice.text(twice.rows[0].data) == data)
    }
  }

  /// 512 KiB of stack is the least that a thread of the server may have, 512 the deepest values that can be let in.
  @Test func walksTheDeepestValuesOnASmallStack() throws {
    final class Box: Sendable {
      let batch: Batch
      init(_ batch: Batch) { self.batch = batch }
    }
    var value = PrivacySample.string("from 203.0.113.7")
    for level in 0..<255 {
      value =
        level % 2 == 0
        ? "{\"arrayValue\":{\"values\":[\(value)]}}"
        : "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":\(value)}]}}"
    }
    let inside = String(repeating: "[", count: 190) + "\"203.0.113.7\"" + String(repeating: "]", count: 190)
    for text in [value, PrivacySample.string(inside)] {
      let box = Box(try PrivacySample.log(attributes: "{\"key\":\"v\",\"value\":\(text)}"))
      let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
      defer { attributes.deallocate() }
      pthread_attr_init(attributes)
      pthread_attr_setstacksize(attributes, 512 << 10)
      var thread = pthread_t()
      let made = pthread_create(
        &thread, attributes,
        { box in
          guard let box else { return nil }
          let batch = Unmanaged<Box>.fromOpaque(box).takeRetainedValue().batch
          let protected = PrivacySample.protector.protect(batch)
          let done = protected.text(protected.rows[0].data).contains("[ip]")
          return UnsafeMutableRawPointer(bitPattern: done ? 1 : 2)
        }, Unmanaged.passRetained(box).toOpaque())
      try #require(made == 0)
      var answer: UnsafeMutableRawPointer?
      pthread_join(thread, &answer)
      pthread_attr_destroy(attributes)
      #expect(UInt(bitPattern: answer) == 1)
    }
  }

  /// A text that is looked through from each of its bytes again costs minutes, not milliseconds.
  @Test(arguments: [
    "%40a", "eyJ-", "a@", ":", "::", "1111:", "1.", "token=", "\" say ", "\"", "/home/", "Bearer ", "://", "{\"a\":",
    "[",
    "7656119", "-aa", "eyJaaaa.", "rcon 1 \"", "\\", "x_token: ", "password ", "C:\\Users\\",
  ])
  func takesTimeInProportion(piece: String) {
    let text = String(repeating: piece, count: 400_000 / piece.utf8.count)
    let clock = ContinuousClock()
    let spent = clock.measure { _ = PrivacySample.protector.scrubbed(text) }
    #expect(spent < .seconds(20))
  }
}

/// Whether a text is one JSON object or array; shares nothing with what is tested.
enum PrivacyJSON {
  static func isContainer(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    space(&rest)
    guard rest.first == UInt8(ascii: "{") || rest.first == UInt8(ascii: "["), value(&rest, 0) else { return false }
    space(&rest)
    return rest.isEmpty
  }

  private static func space(_ rest: inout ArraySlice<UInt8>) {
    rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
  }

  private static func value(_ rest: inout ArraySlice<UInt8>, _ depth: Int) -> Bool {
    guard depth < 200 else { return false }
    switch rest.first {
    case UInt8(ascii: "\""): return string(&rest)
    case UInt8(ascii: "{"): return list(&rest, UInt8(ascii: "}"), depth)
    case UInt8(ascii: "["): return list(&rest, UInt8(ascii: "]"), depth)
    default:
      let word = rest.prefix { !",]} \n\r\t".utf8.contains($0) }
      rest = rest.dropFirst(word.count)
      let text = String(decoding: word, as: UTF8.self)
      if ["true", "false", "null"].contains(text) { return true }
      let digits = text.drop { $0 == "-" }
      let isLeading = digits.hasPrefix("0") && digits.dropFirst().first?.isNumber == true
      return text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) } && !isLeading && !text.hasPrefix("+")
        && !text.hasPrefix("--") && !digits.hasPrefix(".") && !text.contains(".e") && !text.hasSuffix(".")
        && Double(text) != nil
    }
  }

  private static func list(_ rest: inout ArraySlice<UInt8>, _ close: UInt8, _ depth: Int) -> Bool {
    rest.removeFirst()
    space(&rest)
    if rest.first == close {
      rest.removeFirst()
      return true
    }
    while true {
      if close == UInt8(ascii: "}") {
        guard rest.first == UInt8(ascii: "\""), string(&rest) else { return false }
        space(&rest)
        guard rest.popFirst() == UInt8(ascii: ":") else { return false }
        space(&rest)
      }
      guard value(&rest, depth + 1) else { return false }
      space(&rest)
      guard let next = rest.popFirst() else { return false }
      if next == close { return true }
      guard next == UInt8(ascii: ",") else { return false }
      space(&rest)
    }
  }

  private static func string(_ rest: inout ArraySlice<UInt8>) -> Bool {
    rest.removeFirst()
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return true
      case 0..<0x20: return false
      case UInt8(ascii: "\\"):
        guard let letter = rest.popFirst() else { return false }
        if letter == UInt8(ascii: "u") {
          let digits = rest.prefix(4)
          guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return false }
          rest = rest.dropFirst(4)
        } else if !"\"\\/bfnrt".utf8.contains(letter) {
          return false
        }
      default: break
      }
    }
    return false
  }
}
