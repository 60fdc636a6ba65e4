using Sluice.Flows;

namespace Sluice.Diagnostics;

/// <summary>What a processor of a run did in one period (<see cref="ProcessorPeriod"/>).</summary>
public enum ProcessorPeriodKind
{
    /// <summary>No service runs it: it waits for its inputs, for a host, or for the pause before the next attempt.</summary>
    Waiting,

    /// <summary>A service runs it.</summary>
    Running,

    /// <summary>A service runs it, and it has waited for room in a stream for more than a second.</summary>
    Blocked,
}

/// <summary>One period in the life of a processor of a run, from the journal of the run.</summary>
/// <param name="Kind">What it did.</param>
/// <param name="From">The beginning, by the store's clock.</param>
/// <param name="To">The end, by the store's clock; null for the present period. A clock that was put back can make it earlier than the
/// beginning.</param>
/// <param name="Host">The service that ran it; null while it waited.</param>
/// <param name="Start">The number of the start, from 1; zero while it waited. A number above 1 means that it was resumed or tried
/// again.</param>
/// <param name="Note">How the period ended, or the stream without room; null if there is nothing to say.</param>
public sealed record ProcessorPeriod(
    ProcessorPeriodKind Kind, DateTimeOffset From, DateTimeOffset? To, string? Host, int Start, string? Note);
