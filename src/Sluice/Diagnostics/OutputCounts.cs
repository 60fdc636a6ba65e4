namespace Sluice.Diagnostics;

/// <summary>The counts of a named output.</summary>
/// <param name="Written">The number of items that nodes wrote to it.</param>
/// <param name="Discarded">The number of written items that were dropped because this run has no reader of the output.</param>
public readonly record struct OutputCounts(long Written, long Discarded);
