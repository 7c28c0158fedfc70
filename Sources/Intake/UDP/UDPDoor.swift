package import Door
import Glibc
package import Logging
package import Telemetry

/// Datagrams of games on one port: form B and form J (`docs/udp.md`).
///
/// `start` opens the sockets, `run` receives until `stop` and returns when everything that was received is stored.
package final class UDPDoor<Sink: BatchSink, Rejects: RejectSink>: Sendable {
  package static var name: String { "udp" }
  /// Between two tries to store the same parcel.
  private static var retry: Duration { .milliseconds(100) }

  package let vitals = UDPVitals()
  package let port: Int
  private let sink: Sink
  private let rejects: Rejects
  private let options: UDPOptions
  private let logger: Logger
  private let queue = UDPQueue()
  private let receiver: UDPReceiver
  private let complaints = Complaints()
  private let stopping: UDPStopFlag

  /// Opens the sockets: a loopback host means both loopback addresses. `marks`: all that begin with `UDPMarks.prefix`.
  /// `key`: 32 random bytes of this store, for the names of strangers. Throws what keeps the port from being opened.
  package init(
    host: String, port: Int, sink: Sink, rejects: Rejects, credentials: CredentialBook, key: [UInt8], marks: [Mark],
    options: UDPOptions = UDPOptions(), logger: Logger
  ) throws {
    self.sink = sink
    self.rejects = rejects
    self.options = options
    self.logger = logger
    let sockets = try Self.open(host, port, logger)
    self.port = sockets.first?.port ?? port
    var ledger = UDPLedger.Options()
    ledger.maxSkew = options.maxSkewNanoseconds
    ledger.silentAfter = options.silentAfterNanoseconds
    let admission = UDPAdmission(
      options: options, vitals: vitals, credentials: credentials, senders: SenderKeys(key: key),
      ledger: UDPLedger(ledger, marks: marks))
    vitals.receiveBuffer.add(sockets.first?.receiveBuffer ?? 0)
    stopping = UDPStopFlag()
    receiver = UDPReceiver(
      sockets: sockets, queue: queue, options: options, vitals: vitals, bell: UDPBell(), admission: admission
    ) { notice in
      switch notice {
      case .clock(let source, let microseconds):
        logger.warning(
          "packets are refused: the sender's clock is off",
          metadata: [
            "event": "udp.clock", "source": "\(source)", "behind_ms": "\(microseconds / 1_000)",
          ])
      }
    }
  }

  private static func open(_ host: String, _ port: Int, _ logger: Logger) throws(UDPSocket.Failure) -> [UDPSocket] {
    guard host == "localhost" || host == "127.0.0.1" || host == "::1" else {
      return [try UDPSocket(host: host, port: port)]
    }
    // A free port of one family may be taken in the other.
    for attempt in 1... {
      let four = try UDPSocket(host: "127.0.0.1", port: port)
      do throws(UDPSocket.Failure) {
        return [four, try UDPSocket(host: "::1", port: four.port)]
      } catch {
        if error.code == EADDRINUSE {
          guard port == 0 && attempt < 20 else { throw error }
        } else {
          logger.notice("no IPv6 here, the UDP door listens on 127.0.0.1 alone", metadata: ["fault": "\(error)"])
          return [four]
        }
      }
    }
    return []
  }

  /// Figures of every source heard so far.
  package func figures() -> [UDPFigures] { receiver.figures(now: options.clock()) }

  /// Takes over who may send unsigned, `maxSkewNanoseconds` and `silentAfterNanoseconds`; may be called from anywhere.
  package func reconfigure(_ options: UDPOptions) { receiver.reconfigure(options) }

  /// Returns after `stop`.
  package func run() async {
    async let stored: Void = store()
    await withCheckedContinuation { continuation in
      IntakeThread.start { [receiver] in
        receiver.run()
        continuation.resume()
      }
    }
    queue.close()
    await stored
  }

  /// May be called from anywhere, also twice.
  package func stop() {
    stopping.set()
    receiver.stop()
  }

  /// One parcel after the other, for the state in a later one stands on that in the one before; while one is written, the
  /// next is protected.
  private func store() async {
    var current = await next()
    while let ready = current {
      async let following = next()
      await store(ready.batch, ready.parcel)
      queue.finish(ready.parcel.byteCount)
      current = await following
    }
  }

  private func next() async -> (batch: Batch, parcel: UDPParcel)? {
    guard let parcel = await queue.take() else { return nil }
    let batch = options.protector?.protect(parcel.batch, sender: parcel.sender) ?? parcel.batch
    return (parcel.sender.isStamped ? batch.stamped(parcel.sender.audience) : batch, parcel)
  }

  /// Every refusal is temporary, and what was received cannot be asked for again: so it waits, and new packets are refused
  /// once the queue is full.
  private func store(_ batch: Batch, _ parcel: UDPParcel) async {
    while true {
      do {
        _ = try await sink.append(batch, key: nil, door: Self.name, marks: parcel.marks)
        vitals.countRejected(batch.rejectionCounts)
        rejects.write(batch, door: Self.name, at: options.clock())
        return
      } catch {
        complaints.note(error, logger)
        if stopping.isSet || error == .draining {
          vitals.abandoned.add(batch.recordCount)
          return
        }
        try? await Task.sleep(for: Self.retry)
      }
    }
  }
}

package enum UDPMarks {
  /// Before the key of every mark of this door.
  package static let prefix = UDPLedger.prefix
}
