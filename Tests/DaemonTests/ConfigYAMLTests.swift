import Testing

@testable import Daemon

@Suite struct ConfigYAMLTests {
  @Test func keepsThePlaceOfEveryNode() throws {
    let (root, problems) = YAMLParser.parse("a: 1\nb:\n  c: [x, y]\n")
    #expect(problems.isEmpty)
    #expect(root?["a"]?.mark == YAMLMark(line: 1, column: 4))
    #expect(root?["b"]?["c"]?.mark == YAMLMark(line: 3, column: 6))
    guard case .sequence(let items) = try #require(root?["b"]?["c"]).content else {
      Issue.record("no list")
      return
    }
    #expect(items.map(\.mark) == [YAMLMark(line: 3, column: 7), YAMLMark(line: 3, column: 10)])
  }

  @Test(arguments: [("5", true), ("\"5\"", false), ("'5'", false), ("|\n  5", false)])
  func tellsPlainScalarsFromText(text: String, isPlain: Bool) throws {
    guard case .scalar(_, let plain) = try #require(YAMLParser.parse("a: \(text)").root?["a"]).content else {
      Issue.record("no scalar")
      return
    }
    #expect(plain == isPlain)
  }

  @Test(arguments: [("a:", true), ("a: ~", true), ("a: null", true), ("a: \"\"", false), ("a: '~'", false)])
  func takesOnlyPlainWordsForNull(text: String, isNull: Bool) {
    #expect(YAMLParser.parse(text).root?["a"]?.isNull == isNull)
  }

  @Test(arguments: ["", "\n\n", "# nothing\n", "---\n"]) func anEmptyDocumentHasNoFault(text: String) {
    let (root, problems) = YAMLParser.parse(text)
    #expect(problems.isEmpty)
    #expect(root?.isNull ?? true)
  }

  @Test func readsJSON() {
    let (root, problems) = YAMLParser.parse(#"{"a":{"age":"7d","match":["x.*","y/z","\u00e9"]}}"#)
    #expect(problems.isEmpty)
    #expect(root?["a"]?["age"]?.content == .scalar("7d", plain: false))
  }

  @Test(arguments: [
    ("a: &x 1", 1, 4, "anchors"), ("a: *x", 1, 4, "aliases"), ("a: !!int 5", 1, 4, "tags"),
    ("a: !foo {}", 1, 4, "tags"),
    ("a: 1\n---\nb: 2", 2, 1, "second document"), ("[a]: 1", 1, 1, "plain name"), ("a: \"x\\0y\"", 1, 4, "zero byte"),
    ("a: [1, 2", 2, 1, "did not find expected"), ("a: b: c", 1, 5, "mapping values"), ("a:\n\tb: 1", 2, 1, "token"),
    ("a: [::1]:4318", 1, 5, "did not find expected"),
  ]) func refusesWithThePlace(text: String, line: Int, column: Int, word: String) throws {
    let (root, problems) = YAMLParser.parse(text)
    #expect(root == nil)
    let problem = try #require(problems.first)
    #expect(problem.message.contains(word), "\(problem.message)")
    #expect(problem.mark == YAMLMark(line: line, column: column))
  }

  @Test func namesBothPlacesOfAKeyGivenTwice() {
    let (root, problems) = YAMLParser.parse("a: 1\nb: 2\na: 3\nb: 4\n")
    #expect(problems.map(\.message) == ["`a` is given twice; first at line 1", "`b` is given twice; first at line 2"])
    #expect(problems.map(\.mark) == [YAMLMark(line: 3, column: 1), YAMLMark(line: 4, column: 1)])
    #expect(root?["a"]?.content == .scalar("1", plain: true))
  }

  @Test func refusesDeepNesting() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(YAMLParser.parse(deep).problems.first?.message == "nested deeper than 32 levels")
    let fine = String(repeating: "[", count: 30) + String(repeating: "]", count: 30)
    #expect(YAMLParser.parse(fine).problems.isEmpty)
  }

  @Test func namesBytesThatAreNoText() throws {
    let problem = try #require(YAMLParser.parse(Array("a: ".utf8) + [0xff, 0xfe]).problems.first)
    #expect(problem.message.contains("at byte 3"))
  }

  /// Whatever arrives, the parser ends and says what it thinks.
  @Test(arguments: 0..<20) func survivesMutatedText(seed: UInt64) {
    let seeds = [
      ConfigTemplate.text, #"{"a":[1,{"b":"c"}],"d":null}"#, "a: |\n  x\nb: >-\n  y\n? c\n: d\n", "\u{feff}a: 'x'\n",
    ]
    var random = Steps(state: seed &* 0x9e37_79b9_7f4a_7c15 | 1)
    for round in 0..<50 {
      var bytes = Array(seeds[round % seeds.count].utf8.prefix(4_000))
      for _ in 0..<random.below(8) + 1 where !bytes.isEmpty {
        let at = random.below(bytes.count)
        switch random.below(4) {
        case 0: bytes[at] = UInt8(random.below(256))
        case 1: bytes.removeSubrange(at...)
        case 2: bytes.insert(contentsOf: Array("[{&*!|>'\"\n\t-:?#%@`".utf8).shuffled(using: &random), at: at)
        default: bytes.insert(contentsOf: bytes[at...].prefix(random.below(200)), at: random.below(bytes.count))
        }
      }
      let (root, problems) = YAMLParser.parse(bytes)
      #expect(root == nil || problems.allSatisfy { $0.message.contains("given twice") })
    }
  }

  /// Xorshift: the same steps in every run.
  private struct Steps: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
  }
}
