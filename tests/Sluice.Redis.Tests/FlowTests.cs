using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Redis.Tests;

/// <summary>Flows over Redis: the services or the server die.</summary>
public class FlowTests(SharedServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly Processor Doubles = new("doubles") { Inputs = ["x"], Outputs = ["y"], Resume = ResumeMode.PerItem };
    private static readonly Processor Sums = new("sums") { Inputs = ["y"], Outputs = ["sum"] };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ResultsAreTheSameDespiteCrashes()
    {
        for (int seed = 1; seed <= Repetitions.Of(1, all: 3); seed++)
        {
            await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
                new() { Prefix = SharedServer.NewPrefix() }, Cancellation);
            await new FlowCrashLab(seed, store, lives: 5).PlayAsync(Cancellation);
        }
    }

    [Fact]
    public async Task ARunContinuesAfterTheServerIsKilled()
    {
        const int Items = 2_000;
        await using RedisServer mortal = await RedisServer.StartAsync("--appendfsync", "always");
        await using RedisStreamStore starting = await RedisStreamStore.ConnectAsync(mortal.Address, Patient.Mortal, Cancellation);
        await using RedisStreamStore hosting = await RedisStreamStore.ConnectAsync(mortal.Address, Patient.Mortal, Cancellation);
        await using var starter = Supervisor.Attach(starting, new() { Name = "starter" });
        await using var host = Supervisor.Attach(hosting, new() { Name = "host" });
        host.Register(Doubles, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(cancellation)) await y.WriteAsync(2 * value, cancellation);
        });
        host.Register(Sums, async (IO<int> y, CancellationToken cancellation) =>
        {
            long sum = 0;
            await foreach (int value in y.StreamAsync(cancellation)) sum += value;
            return sum;
        });
        Flow flow = Flow.From(Doubles, Sums).With("x", new() { MaxItems = 200 }).With("y", new() { MaxItems = 200 }).Resolve();
        await using FlowRun run = await starter.StartAsync(flow, Enumerable.Range(0, Items).Select(i => IOVal.Of("x", i)), allOutputs: true,
            cancellation: Cancellation);

        int read = 0;
        await foreach (int value in run.Output<int>("y").StreamAsync(Cancellation))
        {
            Assert.Equal(2 * read++, value);
            if (read is not (Items / 4 or Items / 2)) continue;
            await mortal.KillAsync();
            await mortal.StartAgainAsync();
        }
        Assert.Equal(Items, read);
        Assert.Equal((long)Items * (Items - 1), await run.Output<long>("sum").FirstAsync(Cancellation));
        await run.Completion.WaitAsync(Patience, Cancellation);
    }

    // Scenario 6 of the protocol: a write that needs more memory is refused as a whole, and repeated until there is room.
    [Theory]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.FromScratch)]
    public async Task ARunContinuesWhenAFullServerHasRoomAgain(ResumeMode resume)
    {
        const int Items = 500;
        await using RedisServer full = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(full.Address, Patient.Options, Cancellation);
        var isRefused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var service = Supervisor.Attach(store, new()
        {
            Name = "service",
            OnWarning = text => { if (text.Contains("maxmemory", StringComparison.Ordinal)) isRefused.TrySetResult(); },
        });
        Processor doubles = Doubles with { Resume = resume };
        int fills = 0;
        service.Register(doubles, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(cancellation))
            {
                // Once: the function may be called anew when the memory has room again.
                if (value == Items / 2 && Interlocked.Exchange(ref fills, 1) == 0)
                    await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1mb");
                await y.WriteAsync(2 * value, cancellation);
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(doubles).Resolve(),
            Enumerable.Range(0, Items).Select(i => IOVal.Of("x", i)), cancellation: Cancellation);
        // the run may complete, because calls that free memory are still accepted
        await Task.WhenAny(isRefused.Task, run.Completion).WaitAsync(Patience, Cancellation);
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");

        int read = 0;
        await foreach (int value in run.Output<int>("y").StreamAsync(Cancellation)) Assert.Equal(2 * read++, value);
        Assert.Equal(Items, read);
        await run.Completion.WaitAsync(Patience, Cancellation);
    }

    /// <remarks>The request to cancel a run is an entry of its journal, and a full server refuses entries. An operator cancels such a run
    /// to free the memory.</remarks>
    [Fact]
    public async Task ARunCanBeCancelledAndDeletedWhileTheServerIsFull()
    {
        await using RedisServer full = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(full.Address, Patient.Options, Cancellation);
        await using var service = Supervisor.Attach(store, new() { Name = "service", OnWarning = static _ => { } });
        var isThere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Doubles, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            isThere.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Doubles).Resolve(), [IOVal.Of("x", 1)], run: "one",
            cancellation: Cancellation);
        await isThere.Task.WaitAsync(Patience, Cancellation);
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1mb");
        using (var entries = new EntryBatch())
        {
            entries.Add([1]);
            await store.OpenStreamAsync("other", null, Cancellation);
            var append = new AppendRequest("other", "p", 0, 1, entries);
            Assert.Contains("is full (maxmemory)", (await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(append,
                Cancellation).AsTask())).Message, StringComparison.Ordinal);
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(append with { MakesRoom = true }, Cancellation)).Status);
        }
        await run.CancelAsync("it fills the server", Cancellation).WaitAsync(Patience, Cancellation);
        Assert.True((await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Patience, Cancellation))).IsCancelled);
        Assert.True(await service.DeleteAsync("one", Cancellation).WaitAsync(Patience, Cancellation));
    }
}
