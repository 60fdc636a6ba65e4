using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Sampling;

/// <summary>Finds processors of a run that no living service hosts, by the heartbeats in the store.</summary>
/// <remarks>Thread-safe. A service that has died counts as alive until it was silent for its lease duration, from the first look on.
/// </remarks>
internal sealed class FlowHosts(IStreamStore store, TimeProvider time)
{
    private const int MaxProcessors = 20;            // each costs a call

    private readonly StoreInspector inspector = new(store, time);

    /// <summary>The names of processors that have not ended, and have no living host. The first processors of a large run only.</summary>
    public async Task<IReadOnlySet<string>> FindMissingAsync(FlowRunInfo run, CancellationToken cancellation)
    {
        HashSet<string> missing = new(StringComparer.Ordinal);
        foreach (ProcessorInfo one in run.Processors.Where(static one => one.Status <= FlowStatus.Running).Take(MaxProcessors))
        {
            GroupLook? hosts = await inspector.FindGroupAsync(new($"work/{one.Name}", "hosts"), cancellation).ConfigureAwait(false);
            if (hosts?.Members.Any(static member => member.Status != MemberStatus.Silent) != true) missing.Add(one.Name);
        }
        return missing;
    }
}
