using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The consecutor that runs over a damaged store: two partitions, some items that fail at first, a node with state. It is told the
/// clock of its store, which decides what is due.</summary>
internal static class DamagedWork
{
    public static Consecutor<int> Make(IStreamStore store, TestClock clock, Func<int, bool> fails) => new("work",
        source => source | (n => fails(n) ? throw new TimeoutException("not now") : n) | Stage.Named("check")
            | StageNode.Of(() => new Totals()) | Stage.Named("totals") | (_ => { }),
        new()
        {
            Store = store,
            Process = new(),
            Delivery = DeliveryGuarantee.Replay(3, Backoff.Constant(TimeSpan.FromSeconds(5))),
            Stream = new() { Partitions = 2 },
            Run = new() { Time = clock },
        })
    { Key = static n => $"{n % 4}" };

    private sealed class Totals : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(State += item);
    }
}
