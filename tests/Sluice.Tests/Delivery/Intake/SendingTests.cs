using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Items that are sent at the same time share an append.</summary>
public class SendingTests
{
    private const int Senders = 200;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ANullItemWithoutAKeyIsRefusedAsNull()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<string>("words", source => source.ForEach(_ => { }), new() { Store = store })
        {
            Key = static word => word[..1],
        };
        var failure = await Assert.ThrowsAsync<PayloadException>(() => consecutor.SendAsync(null!, Cancellation).AsTask());
        Assert.Equal("An item for the consecutor words was not accepted: its key cannot be found: the item is null.", failure.Message);
    }

    [Fact]
    public async Task AKeyFunctionThatThrowsIsReportedWithTypeAndMessage()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<string>("words", source => source.ForEach(_ => { }), new() { Store = store })
        {
            Key = static word => word[..9],
        };
        var failure = await Assert.ThrowsAsync<PayloadException>(() => consecutor.SendAsync("short", Cancellation).AsTask());
        Assert.StartsWith("An item for the consecutor words was not accepted: its key cannot be found: ArgumentOutOfRangeException: ",
            failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANullItemReachesTheHandler()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<string?>();
        await using var consecutor = new Consecutor<string?>("words", source => source.ForEach(seen.Enqueue), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(null, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Null(Assert.Single(seen));
    }

    [Fact]
    public async Task SendAllMakesOneAppend()
    {
        await using var store = new SlowStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        ValueTask sending = consecutor.SendAllAsync([.. Enumerable.Range(0, 1000)], Cancellation);
        store.LetOneGo();
        await sending;
        Assert.Equal([1000], store.Appends);
    }

    [Fact]
    public async Task ALoneItemIsAppendedAtOnceAndLaterItemsShareTheNextAppend()
    {
        await using var store = new SlowStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        Task[] sending = [.. Enumerable.Range(0, Senders).Select(n => consecutor.SendAsync(n, Cancellation).AsTask())];
        store.LetOneGo();
        await sending[0];
        Assert.DoesNotContain(sending[1..], task => task.IsCompleted);
        store.LetOneGo();
        await Task.WhenAll(sending);
        Assert.Equal([1, Senders - 1], store.Appends);
    }

    [Fact]
    public async Task SendAllNamesAnUnwritableItemAndAcceptsTheItemsBeforeIt()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<double>();
        await using var consecutor = new Consecutor<double>("numbers", source => source.ForEach(seen.Enqueue), new() { Store = store });
        await consecutor.StartAsync(Cancellation);

        var failure = await Assert.ThrowsAsync<PayloadException>(async () => await consecutor.SendAllAsync([1, 2, double.NaN, 4],
            Cancellation));
        Assert.StartsWith("Item 3 of 4 cannot be sent: The item for numbers: a value of the type double could not be written: ",
            failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("The items before it are accepted; it and those behind it are not.", failure.Message, StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<PayloadException>(async () => await consecutor.SendAllAsync([double.NaN], Cancellation));
        Assert.StartsWith("Item 1 of 1 cannot be sent: ", failure.Message, StringComparison.Ordinal);
        await consecutor.SendAsync(5, Cancellation);

        Assert.Equal((3L, 3L), ((await consecutor.WaitForIdleAsync(Cancellation)).Accepted, consecutor.Snapshot().Completed));
        Assert.Equal([1, 2, 5], seen.Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WaitForIdleWaitsForAppendsInFlight(bool fails)
    {
        await using var store = new SlowStore { Fails = fails };
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        Pipeline producer = Source.From([1, 2, 3]) | (n => n == 3 ? throw new FormatException("no good") : n) | consecutor;
        await Assert.ThrowsAsync<PipelineException>(() => producer.RunAsync(cancellation: Cancellation));

        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        Assert.False(idle.IsCompleted);
        store.LetOneGo();
        store.LetOneGo();
        ConsecutorSnapshot snapshot = await idle;
        Assert.Equal(fails ? (0L, 0L) : (2L, 2L), (snapshot.Accepted, snapshot.Completed));
    }

    [Fact]
    public async Task AStageThatWaitsForRoomInItsOwnStreamIsReportedAsAProblem()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        Consecutor<int>? self = null;
        List<string> told = [];
        var options = new ConsecutorOptions
        {
            Store = store,
            Stream = new() { Partitions = 1, MaxItems = 1 },
            Run = new() { Time = clock },
            OnWarning = text =>
            {
                lock (told) told.Add(text);
            },
        };
        await using var consecutor = self = new("numbers",
            source => source.ForEachAsync(async (n, _, cancellation) => await self!.SendAsync(n + 1, cancellation)), options);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        string problem = await ProblemAsync(consecutor, clock);
        Assert.Equal(
            "Sends wait for room: the stream numbers is full, and none of the items in flight (1) has ended since. If it is a stage of "
                + "numbers itself that sends, it waits for its "
            + "own item to end: let it send to another consecutor, make what it sends in the pipeline (a stage may make many items of "
            + "one), or give the consecutor a new name and a larger stream: MaxItems and MaxBytes of "
            + "ConsecutorOptions.Stream count only when a stream is made.", problem);
        for (int i = 0; i < 10; i++) clock.Advance(TimeSpan.FromSeconds(10));
        lock (told) Assert.Equal(problem, Assert.Single(told));              // once, in a program that looks at no snapshot
    }

    [Fact]
    public async Task SendsThatWaitForAPausedConsecutorAreReportedWithTheReason()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }),
            new() { Store = store, Stream = new() { Partitions = 1, MaxItems = 1 }, Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.PauseAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        Task waiting = consecutor.SendAsync(2, Cancellation).AsTask();
        Assert.EndsWith(" (0) has ended since. The consecutor is paused.", await ProblemAsync(consecutor, clock), StringComparison.Ordinal);
        await consecutor.ResumeAsync(Cancellation);
        await waiting;
        Assert.Equal((2L, null), ((await consecutor.WaitForIdleAsync(Cancellation)).Completed, consecutor.Snapshot().Problem));
    }

    [Fact]
    public async Task AProducerThatWaitsForAPausedLocalConsecutorIsReported()
    {
        var clock = new TestClock();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }),
            new() { Stream = new() { MaxItems = 1 }, Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.PauseAsync(Cancellation);
        Task producing = (Source.From(Enumerable.Range(0, 5000)) | consecutor).RunAsync(cancellation: Cancellation);
        Assert.EndsWith(" (0) has ended since. The consecutor is paused.", await ProblemAsync(consecutor, clock), StringComparison.Ordinal);
        await consecutor.ResumeAsync(Cancellation);
        await producing;
        Assert.Equal((5000L, null), ((await consecutor.WaitForIdleAsync(Cancellation)).Completed, consecutor.Snapshot().Problem));
    }

    private static async Task<string> ProblemAsync(Consecutor<int> consecutor, TestClock clock)
    {
        while (true)
        {
            if (consecutor.Snapshot().Problem is { } problem) return problem;
            Cancellation.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    /// <summary>A store whose appends wait until the test releases them.</summary>
    private sealed class SlowStore() : StreamStoreWrapper(new MemoryStreamStore())
    {
        private readonly SemaphoreSlim gate = new(0);

        public List<int> Appends { get; } = [];

        public bool Fails { get; init; }

        public void LetOneGo() => gate.Release();

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            await gate.WaitAsync(cancellation);
            if (Fails) throw new ArgumentException("The store has failed.");
            Appends.Add(request.Entries.Count);
            return await base.AppendAsync(request, cancellation);
        }
    }
}
