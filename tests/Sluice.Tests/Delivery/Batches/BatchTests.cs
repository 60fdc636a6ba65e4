using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

/// <summary>Batches through several consecutors.</summary>
public sealed class BatchTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();
    private readonly ConcurrentQueue<BatchCompleted> told = [];
    private readonly TaskCompletionSource<BatchCompleted> first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ABatchCountsDerivedItemsThroughFanOutRetriesAndDeadLetters(bool hasKey)
    {
        var random = new ConcurrentDictionary<int, byte>();
        await using var orders = new Consecutor<int>("orders",
            source => source.SelectMany(n => new[] { 10 * n, (10 * n) + 1 }) | Sink.Output<int>("lines"), Options())
        {
            Key = hasKey
                ? n => $"{n}" : null
        };
        await using var lines = new Consecutor<int>("lines",
            source => source | (n => random.TryAdd(n, 0) ? throw new TimeoutException("once") : n == 31 ? throw new FormatException("bad")
                : n) | Sink.Output<int>("booked"), Options());
        await using var ledger = new Consecutor<int>("ledger", source => source.Where(n => n % 2 == 0) | (_ => { }), Listening());
        orders.Output<int>("lines").To(lines);
        lines.Output<int>("booked").To(ledger);
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("monday", Cancellation);
        await batch.SendAllAsync([1, 2, 3], Cancellation);
        await orders.SendAsync(4, Cancellation);     // in no batch
        await ledger.StartAsync(Cancellation);
        await lines.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        await batch.SendAsync(5, Cancellation);
        foreach (Consecutor<int> consecutor in (Consecutor<int>[])[orders, lines, ledger]) await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Empty(told);
        Assert.True(await batch.CloseAsync(Cancellation));

        // 4 orders, 8 lines, 7 of them booked.
        Assert.Equal(new BatchCompleted("orders", "monday", 4 + 8 + 7, 1), await first.Task.WaitAsync(Cancellation));
        await Member.UntilAsync(() => ledger.Snapshot() is { IsIdle: true, Accepted: 10 });
        Assert.Single(told);
        Assert.False(await batch.CloseAsync(Cancellation));
        await Assert.ThrowsAsync<InvalidOperationException>(() => batch.SendAsync(6, Cancellation).AsTask());
        Assert.Single(told);
    }

    /// <remarks>Formerly each object kept a sender until it was closed, and the next one looked for a free number among all of
    /// them.</remarks>
    [Fact]
    public async Task AnObjectThatNobodyHoldsFreesItsSender()
    {
        await using var orders = new Consecutor<int>("orders", source => source | (_ => { }), Options());
        await OpenAsync(sends: false);
        Assert.Equal(1, orders.RentProducer());
        await OpenAsync(sends: true);
        int number;
        do
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            orders.ReturnProducer(number = orders.RentProducer(), Task.CompletedTask);
        }
        while (number > 10);                         // the finalizers run after each other; the test's time limit ends it

        async Task OpenAsync(bool sends)
        {
            for (int i = 0; i < 100; i++)
            {
                ConsecutorBatch<int> batch = await orders.OpenBatchAsync("day", Cancellation);
                if (sends) await batch.SendAsync(i, Cancellation);
            }
        }
    }

    [Fact]
    public async Task ADeadLetterEndsInItsBatchAndItsRedriveBelongsToNoBatch()
    {
        bool isRepaired = false;
        await using var orders = new Consecutor<int>("orders",
            source => source | (n => n == 2 && !isRepaired ? throw new FormatException("bad") : n) | Sink.Output<int>("booked"), Options());
        await using var ledger = new Consecutor<int>("ledger", source => source | (_ => { }), Listening());
        orders.Output<int>("booked").To(ledger);
        await ledger.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("monday", Cancellation);
        await batch.SendAllAsync([1, 2, 3], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await batch.CloseAsync(Cancellation);
        Assert.Equal(new BatchCompleted("orders", "monday", 5, 1), await first.Task.WaitAsync(Cancellation));
        isRepaired = true;
        DeadLetter letter = Assert.Single(await orders.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(1, await orders.RedriveAsync(letter.Id, Cancellation));
        await orders.WaitForIdleAsync(Cancellation);
        await Member.UntilAsync(() => ledger.Snapshot() is { IsIdle: true, Completed: 4 });
        Assert.Single(told);
    }

    [Fact]
    public async Task AnItemHeldInAChunkEndsInItsBatchAndTheChunkIsInNoBatch()
    {
        await using var orders = new Consecutor<int>("orders",
            source => source.Chunk(2) | Stage.Named("pairs") | (pair => pair.Sum()) | Sink.Output<int>("pairs"), Options());
        await using var ledger = new Consecutor<int>("ledger", source => source | (_ => { }), Listening());
        orders.Output<int>("pairs").To(ledger);
        await ledger.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("monday", Cancellation);
        await batch.SendAllAsync([1, 2, 3, 4, 5], Cancellation);
        await batch.CloseAsync(Cancellation);
        Assert.Equal(new BatchCompleted("orders", "monday", 5, 0), await first.Task.WaitAsync(Cancellation));
        await Member.UntilAsync(() => ledger.Snapshot() is { IsIdle: true, Completed: 3 });
    }

    [Fact]
    public async Task OnBatchCompletedIsRetriedUntilItSucceeds()
    {
        int calls = 0;
        await using var orders = new Consecutor<int>("orders", source => source | (_ => { }), Options() with
        {
            OnBatchCompleted = (end, _) =>
            {
                if (++calls < 3) throw new TimeoutException("not now");
                first.TrySetResult(end);
                return default;
            },
        });
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("empty", Cancellation);
        Assert.True(await batch.CloseAsync(Cancellation));
        await orders.StartAsync(Cancellation);
        Assert.Equal(new BatchCompleted("orders", "empty", 0, 0), await first.Task.WaitAsync(Cancellation));
        await Member.UntilAsync(() => orders.Snapshot() is { IsIdle: true, Completed: 1, Dead: 0 });
        Assert.Equal(3, calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AListenerThatIsNewInTheNextVersionIsTold(bool hasKey)
    {
        await using (Consecutor<int> before = Orders())
        {
            ConsecutorBatch<int> open = await before.OpenBatchAsync("monday", Cancellation);
            await open.SendAllAsync([1, 2, 3], Cancellation);
        }
        await using Consecutor<int> orders = Orders();
        await using var ledger = new Consecutor<int>("ledger", source => source | (_ => { }), Listening());
        orders.Output<int>("booked").To(ledger);
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("monday", Cancellation);
        await batch.CloseAsync(Cancellation);
        await ledger.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        Assert.Equal(new BatchCompleted("orders", "monday", 6, 0), await first.Task.WaitAsync(Cancellation));

        Consecutor<int> Orders() => new("orders", source => source | Sink.Output<int>("booked"), Options())
        {
            Key = hasKey ? n => $"{n}" : null
        };
    }

    [Fact]
    public async Task AListenerThatIsNewInTheNextVersionIsToldOfItemsThatAreSettledFirst()
    {
        await using (var before = new Consecutor<int>("orders", source => source | (_ => { }), Options()))
        {
            ConsecutorBatch<int> open = await before.OpenBatchAsync("monday", Cancellation);
            await open.SendAllAsync([1, 2, 3], Cancellation);
        }
        await using var orders = new Consecutor<int>("orders", source => source | (_ => { }),
            Listening() with { Delivery = DeliveryGuarantee.None });
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("monday", Cancellation);
        await batch.CloseAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        Assert.Equal(new BatchCompleted("orders", "monday", 3, 0), await first.Task.WaitAsync(Cancellation));
    }

    /// <remarks>Formerly members without a listener dropped the ends that came to their partitions in a rolling deployment.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnEndWaitsForCodeThatHasAListener(bool hasState)
    {
        await using (Consecutor<int> newer = Orders(Listening()))
        {
            ConsecutorBatch<int> batch = await newer.OpenBatchAsync("monday", Cancellation);
            await batch.SendAllAsync([1, 2, 3], Cancellation);
            await batch.CloseAsync(Cancellation);
        }
        for (int starts = 0; starts < 2; starts++)
        {
            await using Consecutor<int> older = Orders(Options());
            await older.StartAsync(Cancellation);
            await Member.UntilAsync(() => older.Snapshot() is { Pending: 0, InFlight: 0, Accepted: 4 });
            Assert.Equal((1L, 0L), (older.Snapshot().Parked, older.Snapshot().Dead));
            Assert.StartsWith("It is the end of the batch 'monday', and this code has no OnBatchCompleted: it waits",
                older.Snapshot().Problem, StringComparison.Ordinal);
        }
        await using Consecutor<int> again = Orders(Listening());
        await again.StartAsync(Cancellation);
        Assert.Equal(new BatchCompleted("orders", "monday", 3, 0), await first.Task.WaitAsync(Cancellation));
        await Member.UntilAsync(() => again.Snapshot() is { IsIdle: true, Dead: 0, Unaccounted: 0 });

        Consecutor<int> Orders(ConsecutorOptions options) => new("orders", source => hasState
            ? source.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum") | (_ => { }) : source | (_ => { }), options);
    }

    [Fact]
    public async Task AConsecutorWithoutAStoreRefusesToOpenABatch()
    {
        await using var orders = new Consecutor<int>("orders", source => source | (_ => { }));
        Assert.Contains("has no store", (await Assert.ThrowsAsync<InvalidOperationException>(() => orders.OpenBatchAsync("monday",
            Cancellation))).Message);
    }

    [Fact]
    public async Task ClosingABatchWaitsForItsSendsThatWaitForRoom()
    {
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var orders = new Consecutor<int>("orders",
            source => source.ForEachAsync(async (_, _, cancellation) => await let.Task.WaitAsync(cancellation)),
            Listening() with { Stream = new() { Partitions = 1, MaxItems = 1 } });
        await orders.StartAsync(Cancellation);
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("monday", Cancellation);
        Task[] sends = [.. Enumerable.Range(0, 4).Select(n => batch.SendAsync(n, Cancellation).AsTask()),
            batch.SendAllAsync([4, 5], Cancellation).AsTask()];
        Task<bool> closing = batch.CloseAsync(Cancellation);
        await Assert.ThrowsAsync<InvalidOperationException>(() => batch.SendAsync(9, Cancellation).AsTask());
        Assert.False(closing.IsCompleted);
        let.SetResult();
        Assert.True(await closing);
        await Task.WhenAll(sends).WaitAsync(Cancellation);
        Assert.Equal(new BatchCompleted("orders", "monday", 6, 0), await first.Task.WaitAsync(Cancellation));
    }

    /// <remarks>Formerly the end was dropped, and a batch that was closed after its input stayed open for ever.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ABatchEndsAlthoughItsInputIsCompleteBefore(bool isClosedFirst)
    {
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var orders = new Consecutor<int>("orders",
            source => source.SelectAsync(async (n, cancellation) =>
            {
                await let.Task.WaitAsync(cancellation);
                return n;
            }) | Sink.Output<int>("booked"), Listening());
        await using var ledger = new Consecutor<int>("ledger", source => source | (_ => { }), Listening());
        orders.Output<int>("booked").To(ledger);
        await ledger.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        ConsecutorBatch<int> batch = await orders.OpenBatchAsync("monday", Cancellation);
        await batch.SendAllAsync([1, 2], Cancellation);
        if (isClosedFirst) Assert.True(await batch.CloseAsync(Cancellation));
        await orders.CompleteAsync(Cancellation);
        if (!isClosedFirst) Assert.True(await batch.CloseAsync(Cancellation));
        let.SetResult();
        await orders.WaitForIdleAsync(Cancellation);
        await ledger.CompleteAsync(Cancellation);
        await Member.UntilAsync(() => told.Count == 2 && orders.Snapshot().IsIdle && ledger.Snapshot().IsIdle);
        Assert.All(told, end => Assert.Equal(new BatchCompleted("orders", "monday", 4, 0), end));
    }

    private ConsecutorOptions Options() => new()
    {
        Store = store,
        Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
        Stream = new() { Partitions = 2 },
        Process = new()
    };

    private ConsecutorOptions Listening() => Options() with
    {
        OnBatchCompleted = (end, _) =>
        {
            told.Enqueue(end);
            first.TrySetResult(end);
            return default;
        },
    };
}
