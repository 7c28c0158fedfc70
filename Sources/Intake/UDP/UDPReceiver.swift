import Glibc
import Synchronization

/// The receiving thread: reads, decides, hands over. It waits for packets and for nothing else.
final class UDPReceiver: Sendable {
  /// When nothing comes, what has changed without events (heartbeats, refusals) is stored this often.
  private static let quietMilliseconds: Int32 = 1_000

  private let sockets: [UDPSocket]
  private let queue: UDPQueue
  private let options: UDPOptions
  private let vitals: UDPVitals
  private let admission: GuardedAdmission
  private let isStopping = Atomic(false)
  /// Written to when the thread is to look up.
  private let bell: UDPBell
  private let report: @Sendable (UDPAdmission.Notice) -> Void

  init(
    sockets: [UDPSocket], queue: UDPQueue, options: UDPOptions, vitals: UDPVitals, bell: UDPBell,
    admission: consuming UDPAdmission, report: @escaping @Sendable (UDPAdmission.Notice) -> Void
  ) {
    self.sockets = sockets
    self.queue = queue
    self.options = options
    self.vitals = vitals
    self.bell = bell
    self.report = report
    self.admission = GuardedAdmission(admission)
  }

  func figures(now: Int64) -> [UDPFigures] { admission.withLock { $0.ledger.figures(now: now) } }

  func reconfigure(_ options: UDPOptions) { admission.withLock { $0.reconfigure(options) } }

  func stop() {
    isStopping.store(true, ordering: .relaxed)
    bell.ring()
  }

  /// Returns after `stop`, with everything handed over that the kernel had.
  func run() {
    let reader = UDPReader()
    var dropped = sockets.map { _ in UInt32(0) }
    var polls = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    polls.append(pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0))
    var lastSeal = options.clock()
    while true {
      let stopping = isStopping.load(ordering: .relaxed)
      let timeout = stopping ? 0 : admission.withLock { wait(for: $0.oldest, options.clock()) }
      _ = poll(&polls, nfds_t(polls.count), timeout)
      if polls[sockets.count].revents != 0 { bell.silence() }
      var count = 0
      for (index, socket) in sockets.enumerated() { count += drain(socket, reader, &dropped[index]) }
      handOver(&lastSeal, all: stopping && count == 0)
      if stopping && count == 0 { return }
    }
  }

  private func wait(for oldest: Int64?, _ now: Int64) -> Int32 {
    guard let oldest else { return Self.quietMilliseconds }
    let left = options.batchNanoseconds - (now - oldest)
    return Int32(clamping: max(1, min(left / 1_000_000 + 1, Int64(Self.quietMilliseconds))))
  }

  /// One call a socket, so that neither starves the other.
  private func drain(_ socket: UDPSocket, _ reader: borrowing UDPReader, _ dropped: inout UInt32) -> Int {
    let count = reader.read(socket)
    guard count > 0 else { return 0 }
    let now = options.clock()
    let load = queue.load
    var latest: UInt32?
    let notices = admission.withLock { admission in
      admission.begin(hasRoom: load.bytes + admission.byteCount < options.waitingBytes)
      for index in 0..<count {
        let packet = reader.packet(index)
        latest = packet.dropped ?? latest
        guard let address = UDPAddress(packet.address) else { continue }
        if let reply = admission.take(packet.bytes, from: address, now: now) {
          socket.send(reply, to: packet.address, packet.addressLength)
        }
      }
      return admission.takeNotices()
    }
    if let latest, latest != dropped {
      vitals.kernelDrops.add(Int(latest &- dropped))
      dropped = latest
    }
    for notice in notices { report(notice) }
    return count
  }

  /// A batch that is full goes at once; one that is old goes when none waits before it; else it grows.
  private func handOver(_ lastSeal: inout Int64, all: Bool) {
    let now = options.clock()
    let load = queue.load
    let parcels = admission.withLock { admission -> [UDPParcel] in
      let isFull = admission.byteCount >= options.batchBytes
      let isOld = admission.oldest.map { now - $0 >= options.batchNanoseconds } ?? false
      let isQuiet = admission.oldest == nil && now - lastSeal >= Int64(Self.quietMilliseconds) * 1_000_000
      guard all || isFull || (load.isShort && (isOld || isQuiet)) else { return [] }
      guard all || load.bytes < options.waitingBytes else { return [] }
      return admission.seal()
    }
    guard !parcels.isEmpty else { return }
    lastSeal = now
    for parcel in parcels { queue.put(parcel) }
  }
}

/// A lock around the decisions. `Mutex` does not let pointers into a packet be handed to what it covers.
///
/// `@unchecked Sendable`: `value` is touched inside `withLock` only.
private final class GuardedAdmission: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  // covers: value; take inside: the credentials' and the queue's lock.
  private var value: UDPAdmission

  init(_ value: consuming UDPAdmission) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<Result>(_ body: (inout UDPAdmission) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&value)
  }
}

/// Wakes a thread that polls: a pipe, written to and emptied.
///
/// `@unchecked Sendable`: the descriptors never change; reads and writes of them are the kernel's affair.
final class UDPBell: @unchecked Sendable {
  private var ends: [Int32] = [-1, -1]
  var descriptor: Int32 { ends[0] }

  init() {
    guard pipe(&ends) == 0 else { return }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit { for end in ends where end >= 0 { close(end) } }

  func ring() {
    var byte: UInt8 = 1
    _ = write(ends[1], &byte, 1)
  }

  func silence() {
    var bytes = [UInt8](repeating: 0, count: 16)
    _ = read(ends[0], &bytes, bytes.count)
  }
}
