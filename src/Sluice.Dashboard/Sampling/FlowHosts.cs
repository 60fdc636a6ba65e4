using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Sampling;

/// <summary>What is known of the hosts of a run.</summary>
/// <param name="Missing">The processors that have not ended, and have no living host.</param>
/// <param name="Paused">The processors whose starts are paused, with the times of the pauses.</param>
internal sealed record HostLook(IReadOnlySet<string> Missing, IReadOnlyDictionary<string, DateTimeOffset> Paused);

/// <summary>Finds processors of a run that no living service hosts, by the heartbeats in the store, and those that are paused.</summary>
/// <remarks>Thread-safe. A service that has died counts as alive until it was silent for its lease duration, from the first look on.
/// </remarks>
internal sealed class FlowHosts(IStreamStore store, TimeProvider time)
{
    private const int MaxProcessors = 20;            // each costs a call

    private readonly StoreInspector inspector = new(store, time);

    /// <summary>Looks at the hosts of the processors that have not ended. The first processors of a large run only.</summary>
    public async Task<HostLook> LookAsync(FlowRunInfo run, CancellationToken cancellation)
    {
        HashSet<string> missing = new(StringComparer.Ordinal);
        Dictionary<string, DateTimeOffset> paused = new(StringComparer.Ordinal);
        foreach (ProcessorInfo one in run.Processors.Where(static one => one.Status <= FlowStatus.Running).Take(MaxProcessors))
        {
            GroupLook? hosts = await inspector.FindGroupAsync(new($"work/{one.Name}", "hosts"), cancellation).ConfigureAwait(false);
            if (hosts?.Members.Any(static member => member.Status != MemberStatus.Silent) != true) missing.Add(one.Name);
            if (hosts?.PausedAt is { } since) paused.TryAdd(one.Name, since);
        }
        return new(missing, paused);
    }
}
