import ArgumentParser
import Daemon
import Store

struct LoadCommand: AsyncParsableCommand {
  enum Signal: String, ExpressibleByArgument, CaseIterable { case traces, logs, metrics, mixed }

  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Send made-up telemetry to a collector and measure it; no two requests are equal.",
    discussion: "Exit code 1 when anything was refused or got no answer.")

  @Option(
    name: [.customLong("url"), .customLong("endpoint")],
    help: ArgumentHelp(
      "Where OTLP is spoken (http://127.0.0.1:4318, for gRPC 4317, or the daemon of --data-dir).", valueName: "url"))
  var url: String?

  @Option(name: .customLong("protocol"), help: "http or grpc.")
  var way = LoadPlan.Way.http

  @Option(help: "traces, logs, metrics or mixed.")
  var signal = Signal.traces

  @Option(help: "protobuf or json.")
  var encoding = LoadPlan.Encoding.protobuf

  @Option(help: ArgumentHelp("Keep-alive connections.", valueName: "n"))
  var connections = 8

  @Option(help: ArgumentHelp("Records of one request; with --rate at most a tenth of it.", valueName: "n"))
  var batch = 512

  @Option(help: ArgumentHelp("How long; 10 unless --records is given.", valueName: "n"))
  var seconds: Double?

  @Option(help: ArgumentHelp("How many records in all.", valueName: "n"))
  var records: Int?

  @Option(help: ArgumentHelp("Records a second; 0: as fast as answers come.", valueName: "n"))
  var rate = 0

  @Flag(help: "Compress bodies.")
  var gzip = false

  @Option(help: ArgumentHelp("Retention classes that each request is spread over, 1 to 5.", valueName: "n"))
  var classes = 1

  @Option(help: ArgumentHelp("Days back from now that each request is spread over.", valueName: "n"))
  var days = 1

  @Flag(help: "Send to another machine: a load stops the telemetry of others.")
  var allowRemote = false

  @OptionGroup var place: PlaceArguments
  @OptionGroup var listing: ListingArguments

  func validate() throws {
    try check((1...1_000).contains(connections), "--connections must be 1 to 1000")
    try check((1...100_000).contains(batch), "--batch must be 1 to 100000")
    try check(rate >= 0, "--rate must be 0 or more")
    try check((1...LoadShape.mostClasses).contains(classes), "--classes must be 1 to \(LoadShape.mostClasses)")
    try check((1...3_650).contains(days), "--days must be 1 to 3650")
    if let records { try check(records > 0, "--records must be more than 0") }
    if let seconds { try check(seconds > 0 && seconds <= 31_536_000, "--seconds must be more than 0, at most a year") }
    try check(way == .http || encoding == .protobuf, "over gRPC the encoding is protobuf")
    if url != nil, place.dataDir != nil { throw ValidationError("give --url or --data-dir, not both") }
  }

  private func check(_ holds: Bool, _ message: String) throws {
    if !holds { throw ValidationError(message) }
  }

  func run() async throws {
    let plan = try plan()
    LoadRun.stopAtInterrupt()
    let run = LoadRun(plan)
    let tally = run.run()
    let seconds = Double(max(tally.last - run.start, run.planned, 0)) / 1e9
    try LoadReport(plan: plan, tally: tally, seconds: seconds).write(listing)
    if tally.isClean { return }
    let trouble = tally.trouble ?? "something was refused"
    throw CommandFailure(tally.records == 0 && tally.refused == 0 ? .unavailable : .badAnswer, trouble)
  }

  private func plan() throws -> LoadPlan {
    let target: LoadTarget
    do throws(LoadTarget.Fault) {
      target = try LoadTarget(try address(), port: way.port)
    } catch {
      throw ValidationError(error.message)
    }
    guard target.isLoopback || allowRemote else {
      throw ValidationError("\(target.authority) is another machine; say --allow-remote if you mean it")
    }
    let signals: [LoadShape.Signal] =
      switch signal {
      case .traces: [.traces]
      case .logs: [.logs]
      case .metrics: [.metrics]
      case .mixed: LoadShape.Signal.allCases
      }
    let limit = seconds ?? (records == nil ? 10 : nil)
    // At least ten requests a second: in fewer and larger ones the rate would be none.
    let batch = rate == 0 ? batch : min(batch, max(1, rate / 10))
    return LoadPlan(
      target: target, way: way, signals: signals, encoding: encoding, connections: connections, batch: batch,
      records: records,
      nanoseconds: limit.map { Int64($0 * 1e9) }, rate: rate == 0 ? nil : rate, gzip: gzip, classes: classes,
      days: days)
  }

  private func address() throws(LoadTarget.Fault) -> String {
    if let url { return url }
    guard let directory = place.dataDir else { return "http://127.0.0.1:\(way.port)" }
    let path = DataDirectory(directory).endpoints
    guard let bytes = try? FileSystem.read(path),
      let address = LoadTarget.address(ofDoor: way.door, in: String(decoding: bytes, as: UTF8.self))
    else { throw LoadTarget.Fault(message: "\(path) names no \(way.door) door; is a daemon running there?") }
    return "http://" + address
  }
}

extension LoadPlan.Encoding: ExpressibleByArgument {}
extension LoadPlan.Way: ExpressibleByArgument {}
