using Sluice.Flows;

namespace Sluice.Diagnostics;

/// <summary>A report on one reader of a stream of a run, at one moment.</summary>
/// <param name="Name">Who reads, for people: for example <c>the processor sink</c>, or <c>the service shop-1</c> for results.</param>
/// <param name="Processor">The processor that reads; null for a service that reads results.</param>
/// <param name="Unread">The number of values that it has not read. A processor that has read the first value only counts as one that has
/// read none. So does one that resumes from scratch and has ended its loop over the values.</param>
/// <param name="Kept">The number of values that the store keeps for it; at least <paramref name="Unread"/> where a processor resumes from
/// scratch.</param>
public sealed record FlowReaderInfo(string Name, string? Processor, long Unread, long Kept);
