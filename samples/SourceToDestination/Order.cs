namespace SourceToDestination;

/// <summary>A row of the tables.</summary>
internal sealed record Order(long Id, string Customer, long Cents);
