using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>Entries that the library writes go on in the trace of their item: parts of lists, edited letters, items of batches.</summary>
[Collection(SpanTests.Name)]
public sealed class KeptTraceTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ConsecutorOptions Options => new()
    {
        Store = store,
        Stream = new() { Partitions = 1 },
        Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
        OnWarning = static _ => { },
    };

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task ItemsOfABatchAreTracedAndStillCountedByTheBatch()
    {
        using var log = new SpanLog();
        var ended = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), Options with
        {
            OnBatchCompleted = (end, _) =>
            {
                ended.SetResult(end.Items);
                return default;
            },
        });
        await consecutor.StartAsync(Cancellation);
        ConsecutorBatch<int> batch = await consecutor.OpenBatchAsync("day", cancellation: Cancellation);
        await batch.SendAsync(1, Cancellation);
        await batch.CloseAsync(Cancellation);
        Assert.Equal(1, await ended.Task.WaitAsync(Cancellation));
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal(log["send a"].SpanId, log["process a"].ParentSpanId);
    }

    [Fact]
    public async Task AListThatIsTriedAgainAndItsHalvesStayInTheTrace()
    {
        using var log = new SpanLog();
        await using Consecutor<int> consecutor = Lists(static lists => lists | (_ => { }) | Stage.Named("end"));
        await SendAsync(consecutor);

        // The list itself, its attempts, and its halves: the second one has two attempts.
        Activity list = Assert.Single(log.Spans, static span => span.GetTagItem("sluice.node.name") is "two" && IsProcess(span));
        Activity[] below = [.. log.Spans.Where(span => IsProcess(span) && span.ParentSpanId == list.SpanId)];
        Assert.Equal(5, below.Length);
        Assert.Equal(1, below.Count(static span => span.Status != ActivityStatusCode.Error));
        Assert.DoesNotContain("without its tracestate", log.Tree, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnItemThatANodeMakesOfAHalfIsInItsTrace()
    {
        using var log = new SpanLog();
        await using Consecutor<int> consecutor = Lists(static lists => lists.Chunk(1) | Stage.Named("one")
            | (_ => { }) | Stage.Named("end"));
        await SendAsync(consecutor);

        Assert.NotEqual(default, log["node end"].ParentSpanId);
    }

    [Fact]
    public async Task AnEditedLetterGoesOnInTheTraceOfItsItem()
    {
        using var log = new SpanLog();
        var edited = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int>("a", source => source
            | (n =>
            {
                if (n == 2) throw new FormatException("no");
                edited.SetResult();
            }) | Stage.Named("end"), Options);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(2, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Activity.Current = null;
        StoredDeadLetter letter = Assert.Single(await store.ListDeadAsync(new("a", "a"), cancellation: Cancellation));
        Assert.True(await DeadLetterEditing.SendEditedAsync(store, new("a", "a"), letter, "3"u8.ToArray(), Cancellation));
        await edited.Task.WaitAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal("""
            send a
              process a ! System.FormatException
                commit a
                node end ! System.FormatException
              process a ! System.FormatException
                commit a
                node end ! System.FormatException
              process a
                commit a
                node end
            """, log.Tree, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task ACommitOfManyItemsHasNoMoreLinksThanCollectorsKeep()
    {
        const int Items = 300;
        using var log = new SpanLog();
        var clock = new TestClock();
        await using var own = new MemoryStreamStore(clock);
        var step = TimeSpan.FromMilliseconds(100);   // the first commit waits for it, and so has all items
        int done = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int>("a", source => source | (_ =>
        {
            if (++done == Items) all.SetResult();
        }) | Stage.Named("end"), Options with { Store = own, MaxInFlight = 1000, CommitInterval = step });
        await consecutor.SendAllAsync([.. Enumerable.Range(1, Items)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await all.Task.WaitAsync(Cancellation);
        Task idle = consecutor.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted)
        {
            clock.Advance(step);
            await Task.Yield();
        }
        await idle;

        Activity[] commits = [.. log.Spans.Where(static span => span.DisplayName == "commit a")];
        Assert.Contains(commits, static commit => (int)commit.GetTagItem("messaging.batch.message_count")! > 129);
        Assert.Equal(128, commits.Max(static commit => commit.Links.Count()));
    }

    [Fact]
    public async Task AConsecutorWithoutAStoreHasNoSpansOfItems()
    {
        using var log = new SpanLog();
        int failures = 1;
        await using var consecutor = new Consecutor<int>("a", source => source
            | (_ => { if (failures-- > 0) throw new FormatException("no"); }) | Stage.Named("end"), Options with { Store = null });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Empty(log.Spans);
    }

    // A failed item goes into the consecutor's own store, with an append that nobody has asked for.
    [Fact]
    public async Task KeepingAFailedItemOfAConsecutorWithoutAStoreIsNoSend()
    {
        const string Name = "keeps-failed-items";
        int sends = 0, attempts = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Sluice",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.OperationName is "sluice.send" or "sluice.process"
                    && span.GetTagItem("messaging.destination.name") is Name) Interlocked.Increment(ref sends);
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var consecutor = new Consecutor<int>(Name, source => source
            | (_ => { if (attempts++ == 0) throw new FormatException("no"); }) | Stage.Named("end"), Options with { Store = null });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((2, 0), (attempts, sends));
    }

    private static bool IsProcess(Activity span) => span.OperationName == "sluice.process";

    // Lists of two, of which those with a 2 fail.
    private Consecutor<int> Lists(Func<Source<int[]>, Pipeline> rest) => new("a", source => rest(source.Chunk(2) | Stage.Named("two")
        | (static (int[] list) => list.Contains(2) ? throw new FormatException("no") : list) | Stage.Named("check").Bisect), Options);

    private static async Task SendAsync(Consecutor<int> consecutor)
    {
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }
}
