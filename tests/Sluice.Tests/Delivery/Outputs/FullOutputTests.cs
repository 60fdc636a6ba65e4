using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Outputs into a consecutor whose stream is full.</summary>
public sealed class FullOutputTests : IAsyncLifetime
{
    private const int Bound = 10;
    private const int Capacity = 7;

    private IStreamStore store = null!;

    public async ValueTask InitializeAsync() => store = await ScenarioStore.OpenAsync();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnAsynchronousOutputExceedsTheBoundOnlyByItemsInFlight(bool hasKey)
    {
        await using Consecutor<int> first = First(1, hasKey), second = Second();
        first.Output<int>("out").To(second);
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await first.StartAsync(Cancellation);
        await Member.UntilAsync(() => first.Snapshot() is { InFlight: 0, Problem: { } problem }
            && problem.Contains("The output 'out' is full: second has as much"));
        long held = await OutstandingAsync("second");
        Assert.InRange(held, Bound, Bound + Capacity);
        Assert.Equal(100 - held, first.Snapshot().Pending);
        await second.StartAsync(Cancellation);
        await first.WaitForIdleAsync(Cancellation);
        Assert.Equal(100, (await second.WaitForIdleAsync(Cancellation)).Completed);

        // Behind its last item, the first may have found the output full once more: it notices when there is room.
        await Member.UntilAsync(() => first.Snapshot().Problem is null);
    }

    [Fact]
    public async Task ABlockingOutputWaitsForAPlaceAndGivesItBackWithTheCommit()
    {
        await using Consecutor<int> first = First(1, hasKey: false), second = Second();
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await first.StartAsync(Cancellation);
        await Member.UntilAsync(() => first.Snapshot() is { Completed: Bound, Problem: { } problem }
            && problem.Contains("waits for a place"));
        Assert.Equal(Bound, await OutstandingAsync("second"));
        await second.StartAsync(Cancellation);
        await first.WaitForIdleAsync(Cancellation);
        Assert.Equal(100, (await second.WaitForIdleAsync(Cancellation)).Completed);
        await Member.UntilAsync(() => first.Snapshot().Problem is null);
        await AssertNoPlacesAreKeptAsync(first);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnItemWithMoreOutputsThanTheBoundDoesNotWaitForItself(bool hasKey)
    {
        await using Consecutor<int> first = First(3 * Bound, hasKey), second = Second();
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 20)], Cancellation);
        await first.WaitForIdleAsync(Cancellation);
        Assert.Equal(20 * 3 * Bound, (await second.WaitForIdleAsync(Cancellation)).Completed);
        await AssertNoPlacesAreKeptAsync(first);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FailedAttemptsGiveTheirPlacesBack(bool hasKey)
    {
        HashSet<int> failed = [];
        await using var first = new Consecutor<int>("first",
            source => source | [Sink.Output<int>("out"), Failing(failed)], Options())
        { Key = hasKey ? n => $"{n % 3}" : null };
        await using Consecutor<int> second = Second();
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 50)], Cancellation);
        ConsecutorSnapshot one = await first.WaitForIdleAsync(Cancellation);
        Assert.Equal((45L, 5L), (one.Completed, one.Dead));
        await second.WaitForIdleAsync(Cancellation);
        await AssertNoPlacesAreKeptAsync(first);

        static Sink<int> Failing(HashSet<int> failed) => Pipe.Of<int>() | (n =>
        {
            lock (failed)
            {
                if (failed.Add(n) || n % 10 == 0) throw new TimeoutException("not now");
            }
        });
    }

    [Fact]
    public async Task AStopWithADeadlineEndsAnItemThatWaitsForAPlace()
    {
        await using Consecutor<int> first = First(1, hasKey: false), second = Second();
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await first.StartAsync(Cancellation);
        await Member.UntilAsync(() => first.Snapshot() is { Completed: Bound, Problem: not null });
        Assert.False(await first.StopAsync(TimeSpan.Zero));
        Assert.Equal(90, await OutstandingAsync("first"));
    }

    [Fact]
    public async Task AFullCycleHoldsOnlySendersBack()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ConsecutorOptions small = Options() with { Stream = new() { Partitions = 2, MaxItems = Bound } };
        await using var first = new Consecutor<int>("first", source => source | Sink.Output<int>("out"), small);
        await using var second = new Consecutor<int>("second",
            source => source.SelectAsync(async (n, cancellation) => { await gate.Task.WaitAsync(cancellation); return n - 1; })
                .Where(n => n > 0) | Sink.Output<int>("again"), small);
        first.Output<int>("out").To(second);
        second.Output<int>("again").To(first);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        int sent = 0;
        Task sending = SendAsync();
        await Member.UntilAsync(() => first.Snapshot() is { IsIdle: true, Accepted: >= Bound } now
            && now.Accepted == Volatile.Read(ref sent));
        for (int i = 0; i < 1000; i++) await Member.NextAsync();
        Assert.InRange(await OutstandingAsync("second"), Bound, (2 * Bound) + Capacity);
        Assert.False(sending.IsCompleted);
        gate.SetResult();
        await sending;
        await Member.UntilAsync(() => first.Snapshot() is { IsIdle: true, Accepted: 300 }
            && second.Snapshot() is { IsIdle: true, Accepted: 300, Completed: 200, Skipped: 100 });

        async Task SendAsync()
        {
            for (int n = 0; n < 100; n++)
            {
                await first.SendAsync(3, Cancellation);
                Volatile.Write(ref sent, n + 1);
            }
        }
    }

    /// <summary>A consecutor that outputs to itself: its outputs are accepted although its stream is full, and senders wait.</summary>
    [Fact]
    public async Task AFullConsecutorThatOutputsToItselfDoesNotDeadlock()
    {
        await using var consecutor = new Consecutor<int>("first",
            source => source.Where(n => n > 0) | (n => n - 1) | Sink.Output<int>("again"),
                Options() with { Stream = new() { Partitions = 2, MaxItems = Bound } });
        consecutor.Output<int>("again").To(consecutor);
        Task sending = SendAsync();
        await Member.UntilAsync(() => consecutor.Snapshot().Accepted >= Bound);
        for (int i = 0; i < 1000; i++) await Member.NextAsync();
        Assert.False(sending.IsCompleted);
        await consecutor.StartAsync(Cancellation);
        await sending;
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((600L, 500L, 100L, 0L), (end.Accepted, end.Completed, end.Skipped, end.Unaccounted));
        Assert.Equal(new(500, 0), end.Outputs["again"]);

        async Task SendAsync()
        {
            for (int n = 0; n < 100; n++) await consecutor.SendAsync(5, Cancellation);
        }
    }

    /// <summary>If all places were given back, the stream has room for exactly the bound.</summary>
    private async Task AssertNoPlacesAreKeptAsync(Consecutor<int> owner)
    {
        Assert.Equal(0, await OutstandingAsync("second"));
        using var batch = new EntryBatch();
        for (int i = 0; i < Bound; i++) batch.Add("1"u8);
        AppendResult result = await store.AppendAsync(new("second", "test", 0, 1, batch), Cancellation);
        Assert.Equal(AppendStatus.Accepted, result.Status);
        Assert.Equal(ConsecutorStatus.Running, owner.Snapshot().Status);
    }

    private async Task<long> OutstandingAsync(string name) => (await store.FindStreamAsync(name, Cancellation))!.Groups[0].Outstanding;

    private Consecutor<int> First(int times, bool hasKey)
        => new("first", source => source.SelectMany(n => Enumerable.Repeat(n, times)) | Sink.Output<int>("out"), Options())
        {
            Key = hasKey
        ? n => $"{n % 3}" : null
        };

    private Consecutor<int> Second() => new("second", source => source | (_ => { }),
        Options() with { Stream = new() { Partitions = 2, MaxItems = Bound } });

    private ConsecutorOptions Options() => new()
    {
        Store = store,
        MaxInFlight = Capacity,
        Delivery = DeliveryGuarantee.Replay(2, Backoff.None),
        Stream = new() { Partitions = 2, MaxItems = 1000 },
        Process = new(),
    };
}
