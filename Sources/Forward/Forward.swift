/// Destinations: each a position in the committed records. A seam only, until destinations are built.
enum ForwardRoom {}
