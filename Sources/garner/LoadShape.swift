/// What the made-up records look like: games and relays, in the sizes that the speed targets are written for.
///
/// | signal | attributes | protobuf bytes a record |
/// |---|---|---|
/// | traces | 8 | ~300 |
/// | logs | 5 | ~150 |
/// | metrics | 3, of 1,000 series | ~110 |
struct LoadShape {
  enum Signal: String, CaseIterable, Sendable { case traces, logs, metrics }

  /// Values that vary keep their length, so that a template can be patched in place.
  enum Value {
    case text(String)
    /// 16 hexadecimal digits behind a prefix.
    case varyingText(String)
    case integer(Int)
    /// 2^21 to 2^28 - 1: four bytes as a varint.
    case varyingInteger
    case varyingDouble
  }

  struct Attribute {
    let key: String
    let value: Value

    init(_ key: String, _ value: Value) {
      self.key = key
      self.value = value
    }
  }

  static let mostClasses = 5
  static let seriesCount = 1_000
  /// Points of one metric that lie together in a request.
  static let seriesOfMetric = 50

  let signal: Signal
  /// Retention classes that a request is spread over, as the default configuration divides them.
  let classes: Int
  /// Days back from now that a request is spread over.
  let days: Int

  func className(_ index: Int) -> Int { index % classes }
  func daysBack(_ index: Int) -> Int { index / classes % days }

  /// One set of names a class: standard, evidence, detail, firehose, restricted.
  private static let names = [
    ["match.order.execute", "lobby.join", "matchmaking.search", "inventory.sync", "chat.deliver"],
    ["relay.qos.adjust", "match.certified", "perf.bench"],
    ["gui.panel.open", "input.hotkey"],
    ["relay.order.forward", "relay.tick.process"],
    ["anticheat.scan", "relay.suspicion"],
  ]

  func name(_ index: Int) -> String {
    let names = Self.names[className(index)]
    return names[index / classes / days % names.count]
  }

  /// Of one metric; metrics go to the class `firehose` unless their name says otherwise.
  func metricName(_ metric: Int) -> String {
    switch metric % classes {
    case 1: "relay.qos.adjust"
    case 2: "gui.frame.time.\(metric)"
    case 3: "anticheat.score.\(metric)"
    case 4: "perf.bench"
    default: metric % 2 == 0 ? "relay.tick.load.\(metric)" : "relay.orders.\(metric)"
    }
  }

  /// Of the record at this place in a request; of a series for metrics.
  func attributes(_ index: Int) -> [Attribute] {
    switch signal {
    case .traces: spanAttributes(index)
    case .logs: logAttributes(index)
    case .metrics: pointAttributes(index)
    }
  }

  private func spanAttributes(_ index: Int) -> [Attribute] {
    [
      Attribute("order.id", .varyingText("")),
      Attribute("order.kind", .text(["move", "build", "attack", "research"][index % 4])),
      Attribute("tick", .varyingInteger),
      Attribute("map.name", .text("ridge_of_ashes")),
      Attribute("players.alive", .integer(index % 16)),
      Attribute("relay.region", .text("eu-central")),
      Attribute("queue.depth", .varyingInteger),
      Attribute("process.load", .varyingDouble),
    ]
  }

  private func logAttributes(_ index: Int) -> [Attribute] {
    [
      Attribute("order", .varyingText("")),
      Attribute("tick", .varyingInteger),
      Attribute("phase", .text(["draft", "early", "late"][index % 3])),
      Attribute("slot", .integer(index % 16)),
      Attribute("load", .varyingDouble),
    ]
  }

  private func pointAttributes(_ series: Int) -> [Attribute] {
    [
      Attribute("relay.region", .text(["eu-central", "us-east", "ap-south"][series % 3])),
      Attribute("relay.shard", .integer(series)),
      Attribute("game.mode", .text(["ranked", "casual"][series % 2])),
    ]
  }

  /// `sender` tells connections apart, as hosts do.
  static func resourceAttributes(_ sender: Int) -> [Attribute] {
    [
      Attribute("service.name", .text("garner-load")),
      Attribute("service.instance.id", .text("load-\(sender)")),
      Attribute("service.version", .text("1.0.0")),
      Attribute("host.name", .text("relay-\(sender)")),
    ]
  }
}
