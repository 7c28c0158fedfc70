/// Destinations: each a position in the committed records, so that the store is the queue (DESIGN promise 7).
///
/// ```
/// RecordSource ─▶ PumpReader ─▶ ParcelBuilder ─▶ Delivery ─▶ LaneRunner ─▶ Courier ─▶ far end
///                  (a position)   (of a format)   (settles)   (a lane each)  (of a destination)
/// ```
enum ForwardRoom {}
