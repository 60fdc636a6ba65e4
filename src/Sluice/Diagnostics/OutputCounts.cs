namespace Sluice;

/// <summary>What went to a named output.</summary>
/// <param name="Written">Items that nodes wrote to it.</param>
/// <param name="Discarded">Those of them that were dropped because nobody reads the output in this run.</param>
public readonly record struct OutputCounts(long Written, long Discarded);
