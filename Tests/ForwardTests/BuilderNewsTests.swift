import Telemetry
import Testing
import Wire

@testable import Forward

/// What a builder and a courier tell each other: a far end that takes no native histograms, streams that are too many.
@Suite struct BuilderNewsTests {
  private struct Lab {
    let fallback = NativeFallback()
    let courier: RemoteWriteCourier
    let builder: PrometheusBuilder
    let native: any Parcel
    let plain: any Parcel

    init(_ version: RemoteWriteCourier.Version) throws {
      var options = PrometheusOptions()
      options.targetInfo = false
      let builder = PrometheusBuilder(options, fallback: fallback)
      self.builder = builder
      courier = try RemoteWriteCourier(
        url: "http://127.0.0.1:1", version: version, fallback: fallback, ForwardLab.transport())
      native = try #require(Self.cut(builder, id: 1))
      #expect(TestRow(id: 2, kind: .number, metric: "g").with { builder.add($0) } == .taken)
      plain = try #require(builder.cut(laneCount: 1).first)
    }

    static func cut(_ builder: PrometheusBuilder, id: Int64) -> (any Parcel)? {
      let take = TestRow(
        id: id, kind: .distribution, data: #"{"count":1,"sum":1.0}"#,
        ext: #"{"scale":0,"positive":{"offset":0,"counts":[1]}}"#, metric: "e", type: .exponentialHistogram
      ).with { builder.add($0) }
      #expect(take == .taken)
      return builder.cut(laneCount: 1).first
    }

    /// What the second version says that it has written of histograms.
    func answer(_ status: Int, written: Int? = nil) -> Answer {
      let header = RemoteWriteAnswer.histogramsHeader.lowercased()
      return Answer(.status(status), headers: written.map { [(header, "\($0)")] } ?? [])
    }

    func judge(_ parcel: any Parcel, _ answer: Answer, form: Int) {
      _ = courier.judge(answer, parcel, 0..<parcel.items.count, form: form)
    }

    func isNativeNext() throws -> Bool {
      (try #require(Self.cut(builder, id: 100)) as? RemoteWriteParcel)?.isNative ?? false
    }
  }

  @Test(arguments: [1, 2]) func sendsTotalsAfterTwentyRefusals(_ form: Int) async throws {
    let lab = try Lab(form == 1 ? .first : .second)
    let refusal = lab.answer(400, written: form == 2 ? 0 : nil)
    for _ in 0..<19 { lab.judge(lab.native, refusal, form: form) }
    #expect(!lab.fallback.isOver)
    lab.judge(lab.native, lab.answer(form == 2 ? 200 : 204, written: form == 2 ? 1 : nil), form: form)
    for _ in 0..<19 {
      lab.judge(lab.native, refusal, form: form)
      lab.judge(lab.plain, refusal, form: form)
    }
    #expect(try lab.isNativeNext())
    lab.judge(lab.native, refusal, form: form)
    #expect(try !lab.isNativeNext())
    await lab.courier.close()
  }

  @Test func tellsOfRecordsWhoseStreamIsOneTooMany() async throws {
    let overflow = LokiOverflow()
    let courier = try LokiCourier(url: "http://127.0.0.1:1", overflow: overflow, ForwardLab.transport())
    var options = LokiOptions()
    options.maxStreams = 2
    let builder = LokiStreamBuilder(options, overflow: overflow)
    func add(_ builder: LokiStreamBuilder, _ count: Int) {
      for number in 0..<count {
        let resource = "{\"service.name\":\"s\",\"cloud.region\":\"r\(number)\"}"
        #expect(TestRow(id: Int64(number + 1), resource: resource).with { builder.add($0) } == .taken)
      }
      _ = builder.cut(laneCount: 1)
    }
    add(builder, 2)
    #expect(courier.advice.isEmpty)
    add(builder, 5)
    #expect(overflow.count == 3)
    #expect(courier.advice.hasPrefix("3 records"))
    // What the last run has told of is not told again.
    let next = LokiStreamBuilder(options, overflow: overflow)
    #expect(next.restore(builder.state()))
    add(next, 3)
    #expect(overflow.count == 4)
    await courier.close()
  }

  /// Some say that it is their own fault, for ever.
  @Test func tellsARefusalFromAnOutageByWhatElseIsTaken() async throws {
    let lab = try Lab(.first)
    for _ in 0..<100 { lab.judge(lab.native, lab.answer(500), form: 1) }
    #expect(!lab.fallback.isOver)
    for _ in 0..<20 {
      lab.judge(lab.plain, lab.answer(204), form: 1)
      lab.judge(lab.native, lab.answer(500), form: 1)
      lab.judge(lab.native, lab.answer(500), form: 1)
    }
    #expect(lab.fallback.isOver)
    await lab.courier.close()
  }
}
