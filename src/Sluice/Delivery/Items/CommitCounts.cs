namespace Sluice.Delivery;

/// <summary>The moves of one commit in the ledger.</summary>
internal record struct CommitCounts(long Roots, long Completed, long Skipped, long Cancelled, long Letters, long Split, long Derived);
