import NIOPosix
import Synchronization
import Telemetry
import Wire

extension Forwarder {
  /// Passes over what is unsent up to a row: how many records that were.
  package func skip(_ name: String, to id: Int64) async throws -> Int64 {
    var sum: Int64 = 0
    for run in try runs(of: name) { sum += await run.delivery.requestSkip(to: min(id, source.lastID)) }
    return sum
  }

  /// Asks the far end with a request without records, apart from what is under way.
  package func test(_ name: String) async throws -> (isReached: Bool, code: String, words: String) {
    guard let destination = held.withLock({ $0.destinations[name] }) else {
      throw CommandFailure.unknownDestination(name)
    }
    if destination.options.type == .file || destination.options.type == .stdout || destination.options.type == .scrape {
      return (true, "local", "nothing is sent anywhere")
    }
    let courier = try destination.courier(RunState(position: Position(after: 0)))
    let parcel = EmptyParcel(destination.options)
    let form = courier.form
    let answer = await courier.send(parcel, 0..<0, form: form)
    await courier.close()
    // A request without records is no request to some: they have answered, and would take one that has.
    let isReached: Bool =
      switch answer.outcome {
      case .status(let status): (200..<300).contains(status) || status == 400 || status == 415 || status == 422
      case .grpc(let code): code == 0 || code == 3
      case .silence, .untrusted, .unfit: false
      }
    return (isReached, answer.code, answer.words)
  }
}

private final class EmptyParcel: Parcel {
  let items: [ParcelItem] = []
  let road: Int
  private let bytes: [UInt8]

  init(_ options: DestinationOptions) {
    let signal = options.filter.signals.min { $0.rawValue < $1.rawValue } ?? .traces
    road = options.type == .loki || options.type == .prometheus ? 0 : Int(signal.rawValue)
    bytes = options.type == .zipkin ? Array("[]".utf8) : []
  }

  var lane: UInt64? { nil }
  var byteCount: Int { 0 }
  func body(_ range: Range<Int>, form: Int) -> [UInt8] { bytes }
}
