using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>
/// Items that end because their consecutor stops: their functions see a cancelled token, and return in the middle or fail. They go back to
/// the store at no cost, and come again as a whole.
/// </summary>
public sealed class CutOffItemTests : IDisposable
{
    private const int Items = 3, Parts = 3;

    private readonly ConcurrentQueue<string> seen = new();
    private readonly SemaphoreSlim inTheMiddle = new(0);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => inTheMiddle.Dispose();

    public enum How
    {
        AnIteratorEnds,
        AFunctionReturns,
        AFunctionFails,
        AFailureIsSkipped,
    }

    [Theory]
    [InlineData(How.AnIteratorEnds, false)]
    [InlineData(How.AnIteratorEnds, true)]
    [InlineData(How.AFunctionReturns, false)]
    [InlineData(How.AFunctionReturns, true)]
    [InlineData(How.AFunctionFails, false)]
    [InlineData(How.AFunctionFails, true)]
    [InlineData(How.AFailureIsSkipped, true)]
    public async Task AnItemThatEndsBecauseTheConsecutorStopsComesAgain(How how, bool isAtMostTried)
    {
        await using var store = new MemoryStreamStore();
        Consecutor<int> stopped = Make(store, how, isAtMostTried, stops: true);
        await stopped.StartAsync(Cancellation);
        await stopped.SendAllAsync([.. Enumerable.Range(0, Items)], Cancellation);
        for (int item = 0; item < Items; item++) await inTheMiddle.WaitAsync(Cancellation);
        await stopped.DisposeAsync();

        seen.Clear();
        await using Consecutor<int> next = Make(store, how, isAtMostTried, stops: false);
        await next.StartAsync(Cancellation);
        ConsecutorSnapshot books = await next.WaitForIdleAsync(Cancellation);
        Assert.Equal((Items, Items, 0), (books.Accepted, books.Completed, books.Dead));
        Assert.Equal(Enumerable.Range(0, Items).SelectMany(static item => Enumerable.Range(0, Parts).Select(part => $"{item}.{part} in 1")),
            seen.Order(StringComparer.Ordinal));
    }

    /// <summary>Without dead letters, too, nothing of an item that fails in its middle is committed.</summary>
    [Fact]
    public async Task NothingIsCommittedOfAnItemThatFailsInTheMiddle()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        await using var consecutor = new Consecutor<int>("work", source => source.SelectMany(Three) | ledger.Sink<string>(), new()
        {
            Store = store,
            Process = new(),
            Stream = new() { Partitions = 1 },
            Delivery = DeliveryGuarantee.Confirm
        });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([0, 1, 2], Cancellation);
        ConsecutorSnapshot books = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((3L, 2L, 1L), (books.Accepted, books.Completed, books.Cancelled));
        Assert.Equal(["0.0", "0.1", "0.2", "2.0", "2.1", "2.2"], ledger.Lines);

        static IEnumerable<string> Three(int item)
        {
            for (int part = 0; part < Parts; part++)
                yield return item == 1 && part == 2 ? throw new FormatException("no third part") : $"{item}.{part}";
        }
    }

    private Consecutor<int> Make(IStreamStore store, How how, bool isAtMostTried, bool stops)
    {
        Func<Source<int>, Pipeline> pipeline = how switch
        {
            How.AnIteratorEnds => source => source | (Func<int, CancellationToken, IAsyncEnumerable<string>>)PartsAsync
                | Stage.Parallel(Items) | seen.Enqueue,
            How.AFailureIsSkipped => source => source | AllAsync | Stage.Parallel(Items).OnError(ErrorPolicy.Skip),
            _ => source => source | AllAsync | Stage.Parallel(Items),
        };
        return new("work", pipeline,
            new()
            {
                Store = store,
                Process = new(),
                Stream = new() { Partitions = 1 },
                Delivery = isAtMostTried ? DeliveryGuarantee.Confirm : DeliveryGuarantee.Replay(0)
            });

        async IAsyncEnumerable<string> PartsAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            for (int part = 0; part < Parts && !cancellation.IsCancellationRequested; part++)
            {
                yield return $"{item}.{part} in 1";
                if (part == 0 && stops) await CancelledAsync(cancellation);
            }
        }

        async ValueTask AllAsync(int item, ItemContext context, CancellationToken cancellation)
        {
            for (int part = 0; part < Parts && !cancellation.IsCancellationRequested; part++)
            {
                seen.Enqueue($"{item}.{part} in {context.Attempt}");
                if (part > 0 || !stops) continue;
                await CancelledAsync(cancellation);
                if (how != How.AFunctionReturns) throw new IOException("The call was cancelled.");
            }
        }
    }

    private async Task CancelledAsync(CancellationToken cancellation)
    {
        inTheMiddle.Release();
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
