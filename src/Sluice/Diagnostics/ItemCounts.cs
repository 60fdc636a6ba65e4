namespace Sluice.Diagnostics;

/// <summary>The counts of a run's root items, by outcome.</summary>
/// <param name="Accepted">Items that sources have handed to the pipeline.</param>
/// <param name="Completed">Items that reached an end, or were taken in by an operator that holds or combines items.</param>
/// <param name="Skipped">Items that were filtered out entirely.</param>
/// <param name="Failed">Items of which some part failed.</param>
/// <param name="Pending">Items in progress; after the end of a run, items that its cancellation stopped.</param>
public readonly record struct ItemCounts(long Accepted, long Completed, long Skipped, long Failed, long Pending);
