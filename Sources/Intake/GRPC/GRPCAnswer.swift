import Door
import NIOCore
import NIOHPACK

/// What comes of a message.
enum GRPCAnswer: Sendable {
  case success([UInt8], duplicate: Bool)
  case failure(DoorError)
  case notFound(String)

  static let opening: HPACKHeaders = [
    ":status": "200", "content-type": "application/grpc", GRPCWords.acceptEncoding: GRPCWords.codings,
  ]
  static let end: HPACKHeaders = ["grpc-status": "0"]
  // In front and behind: some clients show the one, some the other.
  static let duplicateOpening: HPACKHeaders = [
    ":status": "200", "content-type": "application/grpc", GRPCWords.acceptEncoding: GRPCWords.codings,
    GRPCWords.duplicate: "1",
  ]
  static let duplicateEnd: HPACKHeaders = ["grpc-status": "0", GRPCWords.duplicate: "1"]

  private static let empty = ByteBuffer(repeating: 0, count: 5)

  /// A message with its prefix; answers are small and never compressed.
  static func framed(_ message: [UInt8]) -> ByteBuffer {
    if message.isEmpty { return empty }
    var frame = ByteBuffer()
    frame.reserveCapacity(message.count + 5)
    frame.writeInteger(UInt8(0))
    frame.writeInteger(UInt32(message.count))
    frame.writeBytes(message)
    return frame
  }
}
