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
    /// <param name="deadline">The most time that the stop may take; null for no limit.</param>
    /// <param name="cancellation">Cancels what is in flight.</param>
    /// <returns>Whether everything in flight has ended.</returns>
    public abstract Task<bool> StopAsync(TimeSpan? deadline, CancellationToken cancellation);

    /// <summary>What happens to items in flight when a stop is cut short, for the log.</summary>
    public abstract string Rest { get; }

    /// <summary>How far its work has come, for the watch of stalls; null if it has none.</summary>
    public abstract UnitProgress? Progress();

    /// <summary>The counts of a consecutor; null for others.</summary>
    public virtual ConsecutorSnapshot? Snapshot() => null;
}

/// <summary>How far the work of a unit has come.</summary>
/// <param name="Moved">A number that changes with each item that moves on.</param>
/// <param name="InFlight">The number of items in flight; null if they are not counted.</param>
/// <param name="Nodes">The nodes that are at work.</param>
internal readonly record struct UnitProgress(long Moved, long? InFlight, IReadOnlyList<string> Nodes)
{
    /// <summary>Whether anything is in flight.</summary>
    public bool IsBusy => InFlight is { } items ? items > 0 : Nodes.Count > 0;

    /// <summary>Returns the nodes of a run that have an item in work, or items that wait before them.</summary>
    public static IReadOnlyList<string> Busy(RunSnapshot? run)
    {
        if (run is null) return [];
        List<string> running = [.. run.Nodes.Where(static node => node.Activity == NodeActivity.Running && node.In > 0)
            .Select(static node => node.Name)];
        return running.Count > 0 ? running : [.. run.Nodes.Where(static node => node.Queued > 0).Select(static node => node.Name)];
    }
}
