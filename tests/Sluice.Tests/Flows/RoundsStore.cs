using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A store that tells how far its service is with the work of a processor: a test that moves a clock waits for it.</summary>
internal class RoundsStore(IStreamStore inner, Processor processor) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private readonly GroupId group = FlowNames.Hosts(processor.Name);
    private int rounds;
    private volatile bool hasLeased;

    /// <summary>The rounds that the service has begun. Each heartbeat begins one.</summary>
    public int Rounds => Volatile.Read(ref rounds);

    /// <summary>Whether the service has leased an order to run the processor.</summary>
    public bool HasLeased => hasLeased;

    public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        if (stream == group.Stream && after < 0) Interlocked.Increment(ref rounds);
        return base.WaitForChangeAsync(stream, after, cancellation);
    }

    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        LeaseResult result = await base.LeaseAsync(request, cancellation);
        if (request.Owned[0].Group == group && result.Batches.Count > 0) hasLeased = true;
        return result;
    }
}
