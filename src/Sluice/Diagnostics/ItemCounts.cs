namespace Sluice;

/// <summary>The books of a run: what became of the root items its sources produced.</summary>
/// <param name="Accepted">Items that sources have handed to the pipeline.</param>
/// <param name="Completed">Those that came out at an end, or were taken in by an operator that holds or combines items.</param>
/// <param name="Skipped">Those that were filtered out entirely.</param>
/// <param name="Failed">Those of which some part failed.</param>
/// <param name="Pending">Those under way; after the end of a run, those that its cancellation caught.</param>
public readonly record struct ItemCounts(long Accepted, long Completed, long Skipped, long Failed, long Pending);
