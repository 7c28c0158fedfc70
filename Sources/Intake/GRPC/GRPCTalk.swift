import Door
import NIOCore
import NIOHPACK
import NIOHTTP2
import Wire

/// A call that is more than a question and an answer: somebody who watches our health, or asks what can be called here.
/// Its messages are small and come whenever the client likes; the stream stays open.
struct GRPCTalk {
  enum Topic: Equatable {
    /// `grpc.health.v1.Health/Watch`
    case health
    /// `grpc.reflection.v1.ServerReflection/ServerReflectionInfo`, and its twin of v1alpha
    case reflection
  }

  let topic: Topic
  /// The client has sent its last message.
  var isOver = false
  /// Headers have been sent.
  var isOpen = false
  /// When the next message must be there; never for one who only listens.
  var deadline: NIODeadline
  private var waiting: [UInt8] = []

  init(_ topic: Topic, deadline: NIODeadline) {
    self.topic = topic
    self.deadline = deadline
  }

  enum Fault: Error { case tooLong, compressed }

  /// Whole messages, in order. Throws when one is longer than any that makes sense, or compressed.
  mutating func take(_ piece: ByteBuffer) throws(Fault) -> [[UInt8]] {
    guard waiting.count + piece.readableBytes <= 2 * GRPCGauge.healthBytes else { throw .tooLong }
    waiting += piece.readableBytesView
    var messages: [[UInt8]] = []
    while waiting.count >= 5 {
      guard waiting[0] == 0 else { throw .compressed }
      let length = waiting[1..<5].reduce(0) { $0 << 8 | Int($1) }
      guard length <= GRPCGauge.healthBytes else { throw .tooLong }
      guard waiting.count >= 5 + length else { break }
      messages.append(Array(waiting[5..<5 + length]))
      waiting.removeFirst(5 + length)
    }
    return messages
  }
}

extension GRPCConnection {
  func beginTalk(_ id: HTTP2StreamID, _ topic: GRPCTalk.Topic, isOver: Bool) {
    let status = GRPCStatus(.unavailable, "the door closes")
    if service.isExcess(lease) { return decline(id, isOver, status) }
    guard case .no = closing, !isOver else {
      return decline(id, isOver, isOver ? GRPCStatus(.internal, "there is no message") : status)
    }
    talks[id] = GRPCTalk(topic, deadline: .now() + TimeAmount(limits.bodyTimeout))
    watch()
  }

  func hear(_ id: HTTP2StreamID, _ piece: ByteBuffer, isOver: Bool) {
    guard var talk = talks[id] else { return }
    talk.isOver = isOver
    let messages: [[UInt8]]
    do throws(GRPCTalk.Fault) {
      messages = try talk.take(piece)
    } catch {
      talks[id] = talk
      let said = error == .tooLong ? "the message is too long" : "compressed messages are not understood here"
      return endTalk(id, GRPCStatus(error == .tooLong ? .resourceExhausted : .unimplemented, said))
    }
    for message in messages {
      switch talk.topic {
      case .health:
        guard !talk.isOpen else {
          talks[id] = talk
          return endTalk(id, GRPCStatus(.internal, "one message is enough to watch"))
        }
        say(service.watched(message), id, &talk)
        talk.deadline = .distantFuture
      case .reflection:
        say(GRPCReflection.answer(message), id, &talk)
        talk.deadline = .now() + TimeAmount(limits.idleTimeout)
      }
    }
    talks[id] = talk
    context?.flush()
    if isOver, talk.topic == .reflection || !talk.isOpen { endTalk(id, nil) }
  }

  private func say(_ message: [UInt8], _ id: HTTP2StreamID, _ talk: inout GRPCTalk) {
    if !talk.isOpen {
      write(id, .headers(.init(headers: GRPCAnswer.opening)))
      talk.isOpen = true
    }
    write(id, .data(.init(data: .byteBuffer(GRPCAnswer.framed(message)))))
  }

  /// `status` nil: all is said.
  func endTalk(_ id: HTTP2StreamID, _ status: GRPCStatus?) {
    guard let talk = talks.removeValue(forKey: id) else { return }
    guard talk.isOpen else {
      return decline(id, talk.isOver, status ?? GRPCStatus(.internal, "there is no message"))
    }
    var trailers = GRPCAnswer.end
    if let status {
      // Status and type were said in front.
      trailers = status.trailers
      trailers.remove(name: ":status")
      trailers.remove(name: "content-type")
    }
    write(id, .headers(.init(headers: trailers, endStream: true)))
    context?.flush()
    if !talk.isOver { linger(id) }
  }

  /// Who watches hears that it is over.
  func endTalks() {
    for (id, talk) in talks {
      if talk.topic == .health && talk.isOpen {
        write(id, .data(.init(data: .byteBuffer(GRPCAnswer.framed(GRPCHealth.notServing)))))
      }
      endTalk(id, GRPCStatus(.unavailable, "the door closes"))
    }
  }

  func expireTalks(_ now: NIODeadline) {
    for (id, talk) in talks where talk.deadline <= now {
      endTalk(id, GRPCStatus(.deadlineExceeded, "no message came"))
    }
  }
}
