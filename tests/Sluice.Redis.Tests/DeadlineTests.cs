using System.Net;
using System.Net.Sockets;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>Deadlines while the server is frozen, killed or unreachable. Each test has its own server.</summary>
public class DeadlineTests
{
    // In real time: only a call that hangs takes that long. Two consecutors once took 278 s for a stop of 10 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TwoConsecutorsStopInTimeWithoutTheServer(bool isFrozen)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
        using SemaphoreSlim begun = new(0), goOn = new(0);
        Consecutor<int>[] consecutors = [.. new[] { "first",
            "second" }.Select(name => new Consecutor<int>(name, source => source.ForEachAsync(async (_, _, cancellation) =>
        {
            begun.Release();
            await goOn.WaitAsync(cancellation);
        }), new() { Store = store, InstanceId = name, OnWarning = _ => { } }))];
        foreach (Consecutor<int> consecutor in consecutors)
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        }
        await begun.WaitAsync(Cancellation);
        await begun.WaitAsync(Cancellation);
        if (isFrozen) await server.PauseAsync();
        else await server.KillAsync();
        goOn.Release();                              // an item of one consecutor has ended, and its commit gets no answer
        bool[] areQuiet = await Task.WhenAll(consecutors.Select(consecutor => consecutor.StopAsync(TimeSpan.FromSeconds(2))))
            .WaitAsync(Patience, Cancellation);
        Assert.Contains(false, areQuiet);
        foreach (Consecutor<int> consecutor in consecutors)
        {
            // the exception of the store, if the store fails before the deadline
            await Assert.ThrowsAnyAsync<Exception>(() => consecutor.Completion);
            await consecutor.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        }
        await store.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        if (isFrozen) await server.ResumeAsync();
        else await server.StartAgainAsync();

        await using RedisStreamStore again = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
        foreach (string name in (string[])["first", "second"])
        {
            await using var next = new Consecutor<int>(name, source => source.ForEach(_ => { }),
                new() { Store = again, InstanceId = name });
            await next.StartAsync(Cancellation);
            ConsecutorSnapshot books = await next.WaitForIdleAsync(Cancellation);
            Assert.Equal((3, 3, 0), (books.Accepted, books.Completed, books.Unaccounted));
        }
    }

    [Fact]
    public async Task AStartAndASupervisorKeepTheirDeadlinesIfTheServerIsFrozen()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
        Supervisor supervisor = Supervisor.Attach(store, new() { LeaseDuration = TimeSpan.FromSeconds(2), OnWarning = _ => { } });
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        supervisor.Register(work, async (IO<int> x, CancellationToken cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        });
        FlowRun run = await supervisor.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)], cancellation: Cancellation);
        await server.PauseAsync();
        await using (var consecutor = new Consecutor<int>("late", source => source.ForEach(_ => { }),
            new()
            {
                Store = store,
                OnWarning = _ => { },
                LeaseDuration = TimeSpan.FromSeconds(1),
                Run = new() { StopTimeout = TimeSpan.FromSeconds(1) }
            }))
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300), TimeProvider.System);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => consecutor.StartAsync(patience.Token)
                .WaitAsync(Patience, Cancellation));
        }
        using (var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300), TimeProvider.System))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => supervisor.StartAsync(Flow.From(work).Resolve(),
                [IOVal.Of("x", 2)], cancellation: patience.Token).WaitAsync(Patience, Cancellation));
        await run.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        await supervisor.StopAsync(TimeSpan.FromSeconds(1)).WaitAsync(Patience, Cancellation);
        await supervisor.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        await store.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        await server.ResumeAsync();
    }

    [Fact]
    public async Task ConnectingToASilentServerCanBeCancelled()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500), TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => RedisStreamStore.ConnectAsync($"127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}", cancellation: patience.Token)
                .AsTask().WaitAsync(Patience, Cancellation));
    }

    /// <summary>Each call gives up after its timeout, however many calls wait for the same server.</summary>
    [Fact]
    public async Task CallsThatWaitForAServerDoNotWaitForEachOther()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Timeout = TimeSpan.FromSeconds(6), OnWarning = static _ => { } });
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await server.KillAsync();
        Task[] calls = [.. Enumerable.Range(0, 12).Select(_ => Assert.ThrowsAsync<StreamStoreException>(
            async () => await store.FindStreamAsync("orders", Cancellation)))];
        await Task.WhenAll(calls).WaitAsync(Patience, Cancellation);
    }

    /// <remarks>Reads take turns. Formerly those that had none waited for one, and only then began their time.</remarks>
    [Fact]
    public async Task AReadFailsInItsTimeHoweverManyReadsWait()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await ConnectAsync(TimeSpan.FromSeconds(12));     // twice that is 24
        await using RedisStreamStore other = await ConnectAsync(TimeSpan.FromSeconds(23));
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await server.KillAsync();
        Task reads = Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Assert.ThrowsAsync<StreamStoreException>(
            async () => await store.ReadAsync(new("orders", 0, 1), Cancellation))));
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task find = other.FindStreamAsync("orders", enough.Token).AsTask();
        Assert.Same(reads, await Task.WhenAny(reads, find).WaitAsync(Patience, Cancellation));
        await reads;
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => find);

        async Task<RedisStreamStore> ConnectAsync(TimeSpan timeout) => await RedisStreamStore.ConnectAsync(server.Address,
            new() { Timeout = timeout, Silence = TimeSpan.FromMilliseconds(300), OnWarning = static _ => { } }, Cancellation);
    }

    /// <remarks>
    /// Formerly reads that had waited for <see cref="RedisStoreOptions.Silence"/> were sent all at once: a server that had paused answered
    /// them before the heartbeats behind them.
    /// </remarks>
    [Fact]
    public async Task ReadsWaitForTheirTurnWhileTheServerPauses()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        var silence = TimeSpan.FromMilliseconds(300);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Timeout = TimeSpan.FromSeconds(50), Silence = silence, OnWarning = static _ => { } }, Cancellation);
        await store.PrepareAsync();
        await server.PauseAsync();
        long begun = TimeProvider.System.GetTimestamp(), most = 0;
        Task[] reads = [.. Enumerable.Range(0, 1000).Select(_ => store.ReadAsync(new(Rows.Orders, 0, 1), Cancellation).AsTask())];
        while (TimeProvider.System.GetElapsedTime(begun) < (most < 32 ? Patience : 5 * silence))           // real time, as the silence is
        {
            await Task.Delay(silence / 4, Cancellation);
            most = Math.Max(most, store.Connection.Database.Multiplexer.GetCounters().TotalOutstanding);
        }
        await server.ResumeAsync();
        await Task.WhenAll(reads).WaitAsync(Patience, Cancellation);
        Assert.InRange(most, 32, 500);               // each is sent again a few times
    }
}
