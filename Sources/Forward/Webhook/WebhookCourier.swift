import Crypto
package import Wire

/// Lines of JSON to a webhook, signed when there is a secret (FORWARD §7).
package final class WebhookCourier: Courier {
  private let url: String
  private let name: String
  private let secret: SymmetricKey?
  private let options: TransportOptions
  private let transport: HTTPTransport
  private let now: @Sendable () -> Int64

  /// `secret`: empty: unsigned. `now`: nanoseconds since 1970.
  package init(
    url: String, name: String, secret: [UInt8], _ options: TransportOptions, now: @escaping @Sendable () -> Int64
  ) throws {
    self.url = url
    self.name = name
    self.secret = secret.isEmpty ? nil : SymmetricKey(data: secret)
    self.options = options
    self.now = now
    transport = try HTTPTransport(options)
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    let plain = parcel.body(range, form: form)
    var headers = [(name: "content-type", value: "application/x-ndjson")]
    if let ids = parcel.ids(range) {
      headers.append(
        ("garner-delivery", WebhookDelivery.header(store: options.storeID, destination: name, ids)))
    }
    if let secret {
      // Over the body before compression: what the receiver's program sees.
      let second = now() / 1_000_000_000
      let code = HMAC<SHA256>.authenticationCode(for: WebhookDelivery.signed(at: second, plain), using: secret)
      headers.append(("garner-signature", "t=\(second),v1=\(Self.hex(code))"))
    }
    let (body, coding) = HTTPTransport.compressed(plain, options.compression)
    if let coding { headers.append(coding) }
    return await transport.post(url, body, headers: headers)
  }

  private static func hex(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
      text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }
    return text
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    AnswerTable.webhook.verdict(answer)
  }

  package func close() async { await transport.close() }
}
