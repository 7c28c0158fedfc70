/// What the UDP door takes of what a sender beside it offers.
enum Datagrams {
  static func run(_ stage: Stage) throws(BenchFailure) {
    try form(.binary, stage, bar: 400_000, goal: 800_000)
    stage.place.empty()
    try form(.text, stage, bar: 60_000, goal: 150_000)
  }

  /// Offers the goal; what of it is stored is the rate. When some of it was lost, the bar is offered as well.
  private static func form(
    _ form: DatagramFlood.Form, _ stage: Stage, bar: Double, goal: Double
  ) throws(BenchFailure) {
    let made = try Child(
      [stage.place.garner, "token", "create", "--udp", "--source", "bench", "--data-dir", stage.place.data]
    ).finish()
    guard made.status == 0, let key = made.output.split(separator: "\n").last.map(String.init) else {
      throw BenchFailure("garner token create ended with \(made.status)")
    }
    let daemon = try DaemonUnderTest(stage.place, udp: "127.0.0.1:0")
    let warm = try DatagramFlood(form, events: Int(bar / 4), key: key)
    _ = try warm.send(to: daemon.udp, rate: bar / 2)
    try daemon.settle()
    for rate in [goal, bar] {
      let flood = try DatagramFlood(form, events: Int(rate * stage.seconds), key: key)
      let missing = try offer(flood, rate, daemon, stage) { stored, remark in
        stage.add(
          "UDP form \(form.rawValue), \(Text.thousands(rate)) events/s offered", "\(Text.thousands(stored)) events/s",
          bar: Text.thousands(bar), goal: Text.thousands(goal), remark)
      }
      if !missing { break }
    }
    stage.add(
      "  memory, form \(form.rawValue)", "\(Text.number(daemon.memory().peak, 0)) MB", bar: "256", goal: "128",
      "peak RSS")
    daemon.stop()
  }

  /// True when not all of it was stored.
  private static func offer(
    _ flood: DatagramFlood, _ rate: Double, _ daemon: DaemonUnderTest, _ stage: Stage,
    _ report: (_ rate: Double, _ remark: String) -> Void
  ) throws(BenchFailure) -> Bool {
    let before = try figures(stage)
    let cpu = daemon.cpu()
    let seconds = try flood.send(to: daemon.udp, rate: rate)
    let after = try settled(daemon, stage)
    let used = daemon.cpu() - cpu
    let stored = after.stored - before.stored
    let missing = Double(flood.eventCount) - stored
    report(
      stored / seconds,
      "\(Text.thousands(Double(flood.eventCount))) offered, \(Text.thousands(stored)) stored, "
        + "\(Int(after.lost - before.lost)) lost, \(Int(after.refused - before.refused)) refused, "
        + "\(Text.number(used * 1e6 / max(1, stored), 2)) µs")
    return missing > 0
  }

  private struct Figures: Equatable {
    var stored: Double
    var refused: Double
    var lost: Double
    var pending: Double
  }

  private static func figures(_ stage: Stage) throws(BenchFailure) -> Figures {
    let answer = try PlainHTTP.exchange(unix: stage.place.data + "/control.sock", "GET", "/sources")
    func value(_ name: String) -> Double { Text.value(name, in: answer) ?? 0 }
    return Figures(
      stored: value("stored"), refused: value("refused"), lost: value("lost"), pending: value("pending"))
  }

  /// Once everything that came is stored and settled, and no gap is open any more.
  private static func settled(_ daemon: DaemonUnderTest, _ stage: Stage) throws(BenchFailure) -> Figures {
    var last = try figures(stage)
    for _ in 0..<100 {
      Clock.pause(0.2)
      let next = try figures(stage)
      if next == last, next.pending == 0 { break }
      last = next
    }
    try daemon.settle()
    return try figures(stage)
  }
}
