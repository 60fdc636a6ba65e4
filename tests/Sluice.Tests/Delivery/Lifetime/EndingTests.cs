using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor ends however it is stopped, and calls that ask too much or come too late fail with the reason.</summary>
public class EndingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("disposal")]
    [InlineData("token")]
    [InlineData("deadline")]
    public async Task AStopThatWaitsCanBeCutShort(string by)
    {
        await using var store = new MemoryStreamStore();
        var begun = new SemaphoreSlim(0);
        var consecutor = new Consecutor<int>("numbers", source => source.ForEachAsync(async (_, _, cancellation) =>
        {
            begun.Release();
            await Task.Delay(Timeout.Infinite, cancellation);
        }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await begun.WaitAsync(Cancellation);
        using var shutdown = new CancellationTokenSource();
        Task<bool> stopping = consecutor.StopAsync(cancellation: shutdown.Token);
        Assert.False(stopping.IsCompleted);
        if (by == "disposal") await consecutor.DisposeAsync();
        else if (by == "token") await shutdown.CancelAsync();
        else await consecutor.StopAsync(TimeSpan.Zero);
        Assert.False(await stopping);
        Assert.Equal(ConsecutorStatus.Stopped, consecutor.Snapshot().Status);
        await consecutor.DisposeAsync();
    }

    [Fact]
    public async Task AnItemThatIsLeasedDuringAStopDoesNotBegin()
    {
        await using var memory = new MemoryStreamStore();
        await using (Consecutor<int> sender = new("numbers", source => source.ForEach(_ => { }), new() { Store = memory }))
            await sender.SendAllAsync([1, 2], Cancellation);
        var store = new SlowSecondLease(memory);
        List<int> seen = [];
        // with two items in flight, a lease asks for one
        await using (Consecutor<int> consecutor = new("numbers", source => source | HoldAsync | Stage.Parallel(2),
            new() { Store = store, MaxInFlight = 2 }))
        {
            await consecutor.StartAsync(Cancellation);
            await store.Begun.Task.WaitAsync(Cancellation);
            Task<bool> stopping = consecutor.StopAsync(cancellation: Cancellation);
            store.Let.SetResult();
            Assert.True(await stopping);
        }
        Assert.Equal([1], seen);
        await using var next = new Consecutor<int>("numbers", source => source.ForEach(seen.Add), new() { Store = memory });
        await next.StartAsync(Cancellation);
        await next.WaitForIdleAsync(Cancellation);
        Assert.Equal([1, 2], seen);

        async Task HoldAsync(int number, CancellationToken cancellation)
        {
            lock (seen) seen.Add(number);
            await store.Let.Task.WaitAsync(cancellation);
        }
    }

    [Fact]
    public async Task AStopDoesNotWaitForTheCommitInterval()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }),
            new() { Store = store, CommitInterval = TimeSpan.FromHours(1), Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await clock.WaitForTimersAsync(2, Cancellation);                  // the timers of the heartbeat and of the commit interval
        Assert.Equal(1, consecutor.Snapshot().InFlight);
        Assert.True(await consecutor.StopAsync());
        Assert.Equal((1L, 0L), (consecutor.Snapshot().Completed, consecutor.Snapshot().InFlight));
    }

    [Fact]
    public async Task AStopWithAnInvalidDeadlineIsRefusedAndChangesNothing()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        var failure = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => consecutor.StopAsync(TimeSpan.FromSeconds(-5)));
        Assert.Equal("deadline", failure.ParamName);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => consecutor.StopAsync(TimeSpan.MaxValue));
        await consecutor.SendAsync(1, Cancellation);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
        Assert.True(await consecutor.StopAsync());
    }

    [Fact]
    public async Task WaitForIdleFailsIfItemsWaitForAStart()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        Assert.True((await consecutor.WaitForIdleAsync(Cancellation)).IsIdle);
        await consecutor.SendAsync(1, Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => consecutor.WaitForIdleAsync(Cancellation));
        Assert.Equal("The consecutor numbers has not been started, so what waits (1 accepted) cannot end. Call StartAsync first.",
            failure.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AProducerFailsIfItsConsecutorHasEnded(bool hasStore)
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }),
            new() { Store = hasStore ? store : null });
        await consecutor.StartAsync(Cancellation);
        await consecutor.StopAsync();
        var failure = await Assert.ThrowsAsync<PipelineException>(() =>
            (Source.From([1, 2]) | consecutor).RunAsync(cancellation: Cancellation));
        Assert.Contains("The consecutor numbers has ended: nothing can be sent to it any more.", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await consecutor.SendAsync(1, Cancellation));
    }

    [Fact]
    public async Task AnItemOfNewerCodeWaitsForNewerCode()
    {
        await using var store = new MemoryStreamStore();
        List<int> seen = [];
        await using (Consecutor<int> newer = New(5))
        {
            await newer.SendAllAsync([1, 2], Cancellation);
        }
        await using (Consecutor<int> older = New(4))
        {
            await older.StartAsync(Cancellation);
            await older.SendAsync(3, Cancellation);
            ConsecutorSnapshot snapshot;
            do snapshot = older.Snapshot();
            while (snapshot is not { Parked: 2, Completed: 1 });
            Assert.Equal("It was written by code version 5, and this is 4: it waits until code of that version starts.", snapshot.Problem);
            Assert.Equal([3], seen);
            await older.StopAsync();
        }
        await using (Consecutor<int> restarted = New(4))
        {
            await restarted.StartAsync(Cancellation);
            Assert.Equal((2L, "It was written by code version 5, and this is 4: it waits until code of that version starts."),
                (restarted.Snapshot().Parked, restarted.Snapshot().Problem));
        }
        await using Consecutor<int> again = New(5);
        await again.StartAsync(Cancellation);
        Assert.Equal(3, (await again.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal([1, 2, 3], seen.Order());

        Consecutor<int> New(int version) => new("numbers", source => source.ForEach(seen.Add),
            new() { Store = store, CodeVersion = version, Stream = new() { Partitions = 1 } });
    }

    [Fact]
    public async Task ReplayWithoutALimitRetriesUntilTheItemSucceeds()
    {
        await using var store = new MemoryStreamStore();
        int starts = 0;
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ =>
        {
            if (++starts < 5) throw new TimeoutException();
        }), new() { Store = store, Delivery = Sluice.DeliveryGuarantee.Replay(int.MaxValue, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        Assert.Equal((1L, 0L), ((await consecutor.WaitForIdleAsync(Cancellation)).Completed, consecutor.Snapshot().Dead));
        Assert.Equal(5, starts);
    }

    [Fact]
    public void OptionsOutOfRangeAreRefusedByName()
    {
        Refuses("ConsecutorOptions.MaxInFlight", () => new ConsecutorOptions { MaxInFlight = 0 });
        Refuses("ConsecutorOptions.LeaseDuration", () => new ConsecutorOptions { LeaseDuration = TimeSpan.MaxValue });
        Refuses("ConsecutorOptions.LeaseDuration", () => new ConsecutorOptions { LeaseDuration = TimeSpan.Zero });
        Refuses("ConsecutorOptions.LeaseDuration", () => new ConsecutorOptions { LeaseDuration = TimeSpan.FromMilliseconds(99.9) });
        var least = TimeSpan.FromMilliseconds(100);
        Assert.Equal(least, new ConsecutorOptions { LeaseDuration = least }.LeaseDuration);
        Refuses("ConsecutorOptions.CommitInterval", () => new ConsecutorOptions { CommitInterval = TimeSpan.MaxValue });
        Refuses("ConsecutorOptions.CodeVersion", () => new ConsecutorOptions { CodeVersion = -5 });
        Refuses("RunOptions.StopTimeout", () => new RunOptions { StopTimeout = TimeSpan.FromSeconds(-1) });
        Refuses("RunOptions.MaxDeadLetters", () => new RunOptions { MaxDeadLetters = 0 });
        Refuses("RunOptions.MaxBufferedItems", () => new RunOptions { MaxBufferedItems = 0 });
        Refuses("limit", () => Stage.Timeout(TimeSpan.MaxValue));
        Refuses("StreamOptions.Partitions", () => New("numbers", new() { Stream = new() { Partitions = 5000 } }));
        Refuses("StreamOptions.MaxItems", () => New("numbers", new() { Stream = new() { MaxItems = 0 } }));
        Assert.StartsWith("ConsecutorOptions.LeaseDuration ('10675199.02:48:05.4775807') must be less than or equal to '49.00:00:00'.",
            Assert.Throws<ArgumentOutOfRangeException>(() => new ConsecutorOptions { LeaseDuration = TimeSpan.MaxValue }).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsThatAreNullAreRefusedByName()
    {
        Refuses("ConsecutorOptions.Delivery", () => new ConsecutorOptions { Delivery = null! });
        Refuses("ConsecutorOptions.Stream", () => new ConsecutorOptions { Stream = null! });
        Refuses("ConsecutorOptions.Serializers", () => new ConsecutorOptions { Serializers = null! });
        Refuses("ConsecutorOptions.Run", () => new ConsecutorOptions { Run = null! });
        Refuses("ConsecutorOptions.InstanceId", () => new ConsecutorOptions { InstanceId = null! });
        Refuses("RunOptions.Time", () => new RunOptions { Time = null! });
        Refuses("RunOptions.Outputs", () => new RunOptions { Outputs = null! });
        Assert.Null(new ConsecutorOptions { Store = null }.Store);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("two\nlines", "has U+000A as character 4")]
    public void AnInvalidNameIsRefusedWithTheReason(string name, string what)
    {
        string message =
            $"A name in a stream store has 1 to 200 characters, all of them whole, none of them a control character such as a line break; "
            + $"this one {what}. (Parameter 'name')";
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => New(name, new())).Message);
        Refuses("ConsecutorOptions.InstanceId", () => new ConsecutorOptions { InstanceId = name });
    }

    // No InlineData: attributes are stored as UTF-8, which has no halves.
    [Fact]
    public void ANameWithHalfOfACharacterIsRefused()
    {
        AnInvalidNameIsRefusedWithTheReason("x\ud800", "has half of a character (an unpaired surrogate), U+D800, as character 2");
        AnInvalidNameIsRefusedWithTheReason("\udc00\ud83d\ude00",
            "has half of a character (an unpaired surrogate), U+DC00, as character 1");
    }

    [Fact]
    public void ANameOfANodeWithHalfOfACharacterIsRefused()
    {
        string message = Assert.Throws<ArgumentException>("name", () => Stage.Named("x\udc00")).Message;
        Assert.Contains("half of a character (an unpaired surrogate), U+DC00, as character 2", message, StringComparison.Ordinal);
        Assert.NotNull(Stage.Named("x\ud83d\ude00"));
    }

    private static void Refuses(string property, Func<object> make)
        => Assert.Equal(property, Assert.ThrowsAny<ArgumentException>(make).ParamName);

    private static Consecutor<int> New(string name, ConsecutorOptions options) => new(name, source => source.ForEach(_ => { }), options);

    [Fact]
    public void ABodyThatIgnoresItsSourceIsRefused()
    {
        var failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("numbers", _ => Source.From([7]) | (_ => { })));
        Assert.Contains("It takes its items from the source it is given", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>A store whose second lease does not return until it is let.</summary>
    private sealed class SlowSecondLease(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int leases;

        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Let { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (Interlocked.Increment(ref leases) != 2) return lease;
            Begun.TrySetResult();
            await Let.Task.WaitAsync(cancellation);
            return lease;
        }
    }
}
