using System.Collections.Concurrent;
using System.Globalization;
using Sluice.Delivery;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Under load, a lease covers few partitions at a time, in turn, so that each commit has more items.</summary>
public class LeaseWidthTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void TheLeaseWidthShrinksWhenManyPartitionsBringManyItems()
    {
        var width = new LeaseWidth();
        width.Learn(64, 256);
        Assert.Equal(32, width.Most);
        width.Learn(20, 160);                        // there were no more than twenty
        Assert.Equal(10, width.Most);
        for (int i = 0; i < 10; i++) width.Learn(width.Most, 200);
        Assert.Equal(4, width.Most);
    }

    [Fact]
    public void TheLeaseWidthStaysWhenEachPartitionBringsEnoughItems()
    {
        var width = new LeaseWidth();
        width.Learn(8, 1024);
        width.Learn(1, 512);
        Assert.Equal(int.MaxValue, width.Most);
        width.Learn(16, 512);
        width.Learn(8, 100);
        Assert.Equal(8, width.Most);
    }

    [Fact]
    public void TheLeaseWidthGrowsWhenLeasesBringFewItems()
    {
        var width = new LeaseWidth();
        width.Learn(16, 512);
        width.Learn(8, 63);
        Assert.Equal(16, width.Most);
        for (int i = 0; i < 40; i++) width.Learn(0, 0);
        Assert.Equal(int.MaxValue, width.Most);
    }

    [Fact]
    public async Task NarrowLeasesServeAllPartitionsInTurn()
    {
        await using var store = new Observed(new MemoryStreamStore());
        await using var work = new Consecutor<int>("work", source => source | (static _ => { }),
            new() { Store = store, MaxInFlight = 16_384, Process = new() })
        {
            Key = static n => (n % 640).ToString(CultureInfo.InvariantCulture),
        };
        await work.SendAllAsync([.. Enumerable.Range(0, 1280)], Cancellation);
        await work.StartAsync(Cancellation);
        Assert.Equal(1280, (await work.WaitForIdleAsync(Cancellation)).Completed);
        (int most, int[] served)[] leases = [.. store.Leases];
        Assert.All(leases, lease => Assert.True(lease.served.Length <= lease.most));
        Assert.Equal(int.MaxValue, leases[0].most);
        Assert.InRange(leases[1].most, 4, 32);
        Assert.Equal(64, leases.SelectMany(lease => lease.served).Take(64).Distinct().Count());
    }

    private sealed class Observed(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public ConcurrentQueue<(int Most, int[] Served)> Leases { get; } = new();

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (lease.Batches.Count > 0) Leases.Enqueue((request.MaxBatches, [.. lease.Batches.Select(batch => batch.Owner.Partition)]));
            return lease;
        }
    }
}
