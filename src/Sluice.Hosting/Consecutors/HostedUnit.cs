using Sluice.Diagnostics;

namespace Sluice.Hosting;

/// <summary>Something that a host starts and stops: a consecutor, a pipeline, or a producer of a consecutor.</summary>
internal abstract class HostedUnit
{
    /// <summary>What it is and its name, for messages: <c>the consecutor orders</c>.</summary>
    public abstract string Title { get; }

    /// <summary>The consecutors that it sends to, by name: they start before it, and stop behind it.</summary>
    public abstract IEnumerable<string> Targets { get; }

    /// <summary>The name of the consecutor that it is; null for others.</summary>
    public virtual string? Consecutor => null;

    /// <summary>Ends when it has ended; faults when it has failed for good.</summary>
    public abstract Task Completion { get; }

    /// <summary>What keeps it from working, for health checks; null if nothing does.</summary>
    public abstract string? Problem { get; }

    /// <summary>Makes what it consists of, and checks it, before anything starts.</summary>
    public abstract void Make(IServiceProvider container);

    /// <summary>Connects its outputs. All units are made.</summary>
    public virtual void Wire(HostedUnits units)
    {
    }

    public abstract Task StartAsync(CancellationToken cancellation);

    /// <summary>Stops it: what is in flight may end until the deadline, or until the token is cancelled.</summary>
    /// <returns>Whether everything in flight has ended.</returns>
    public abstract Task<bool> StopAsync(TimeSpan deadline, CancellationToken cancellation);

    /// <summary>The counts of a consecutor; null for others.</summary>
    public virtual ConsecutorSnapshot? Snapshot() => null;
}
