namespace Sluice.Flows;

/// <summary>The options of an input port.</summary>
/// <param name="Run">The id of the run.</param>
/// <param name="Name">The name of the stream in the flow.</param>
/// <param name="Keeper">The reader in the store that keeps values for a repetition; it does not hold up the writer.</param>
/// <param name="Gate">The reader in the store that applies backpressure; null for none.</param>
/// <param name="From">The position to begin at.</param>
internal sealed record PortPlan(string Run, string Name, string Keeper, string? Gate, long From)
{
    /// <summary>The processor that writes the stream; null if the start of the run has put the values in.</summary>
    public string? Writer { get; init; }

    /// <summary>The processor that reads; null for results.</summary>
    public string? Processor { get; init; }

    /// <summary>How long an idle gate holds up the writer; null for ever.</summary>
    public TimeSpan? GateExpiry { get; init; }

    /// <summary>How long the store keeps values for an idle keeper; null for ever.</summary>
    public TimeSpan? KeeperExpiry { get; init; }

    /// <summary>Whether reading moves the keeper; otherwise commits do.</summary>
    public bool MovesKeeper { get; init; }

    /// <summary>Whether an earlier start has set <see cref="From"/>, which then precedes a <see cref="ReadFrom"/>.</summary>
    public bool IsPlaced { get; init; }

    /// <summary>Whether to begin at the keeper's stored position, which an earlier service of this name may have moved.</summary>
    public bool IsRejoined { get; init; }

    /// <summary>Whether the stream may be read only once.</summary>
    public bool IsOnce { get; init; }
}
