namespace Sluice;

/// <summary>How a port of a stream is opened.</summary>
/// <param name="Run">The run.</param>
/// <param name="Name">The stream's name in the flow.</param>
/// <param name="Keeper">The reader for which the store keeps what may be read again; never holds anybody up.</param>
/// <param name="Gate">The reader that holds up who writes too far ahead; null if this one does not.</param>
/// <param name="From">Where to begin.</param>
internal sealed record PortPlan(string Run, string Name, string Keeper, string? Gate, long From)
{
    /// <summary>How long the gate holds anybody up if nobody reads; null for ever.</summary>
    public TimeSpan? GateExpiry { get; init; }

    /// <summary>How long the store keeps what nobody comes to read; null for ever.</summary>
    public TimeSpan? KeeperExpiry { get; init; }

    /// <summary>Whether the keeper follows what is read; otherwise commits move it.</summary>
    public bool MovesKeeper { get; init; }

    /// <summary>Whether <see cref="From"/> is where an earlier start was, whatever is asked for.</summary>
    public bool IsPlaced { get; init; }

    /// <summary>Whether it goes on behind what was passed in an earlier life under the same name, if that has left the store.</summary>
    public bool IsRejoined { get; init; }

    /// <summary>Whether the stream may be read once only.</summary>
    public bool IsOnce { get; init; }
}
