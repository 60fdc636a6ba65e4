using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A store that answers all calls but those that wait for a change: callers ask again after pauses.</summary>
public class FailingWaitTests
{
    private const int Many = 100;

    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Rest = new("rest") { Inputs = ["y"], Outputs = ["z"] };

    [Fact]
    public async Task AHostPausesBeforeItAsksForWorkAgain()
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        var store = new DeafStore(inner, FlowNames.Work("work"));
        await using var host = Supervisor.Attach(store, Options("host", clock));
        host.Register(Work, StartTests.CopyAsync);

        await store.PausesAsync(clock, timers: 2);          // the heartbeat timer, and the pause
        store.IsDeaf = false;
        await using var starter = Supervisor.Attach(inner, Options("starter", clock));
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        while (!run.Completion.IsCompleted)          // a round that the join has woken pauses once more
        {
            clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
        await run.Completion;
    }

    [Fact]
    public async Task AWriterPausesBeforeItAsksForRoomAgain()
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        var store = new DeafStore(inner, FlowNames.Values("run", "y"));
        await using var host = Supervisor.Attach(store, Options("host", clock));
        host.Register(Work, StartTests.CopyAsync);
        Flow flow = Flow.From(Work, Rest).With("y", new FlowStreamOptions { MaxItems = 2 }).Resolve();
        await using FlowRun run = await host.StartAsync(flow, Enumerable.Range(0, 20).Select(n => IOVal.Of("x", n)), run: "run",
            cancellation: FlowLab.Cancellation);

        await store.PausesAsync(clock, timers: 3);          // the heartbeat timer, the next report of the wait, and the pause
        store.IsDeaf = false;
        await using var reader = Supervisor.Attach(inner, Options("reader", clock));
        reader.Register(Rest, async (IO<int> y, IOWriter<int> z) =>
        {
            await foreach (int value in y.StreamAsync()) await z.WriteAsync(value);
        });
        Task<List<int>> values = FlowLab.ReadAsync(run.Output<int>("z"));
        while (!values.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
        Assert.Equal(Enumerable.Range(0, 20), await values);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static SupervisorOptions Options(string name, TestClock clock)
        => new()
        {
            Name = name,
            Time = clock,
            RunRetentionDuration = Timeout.InfiniteTimeSpan,
            ResultRetentionDuration = TimeSpan.FromDays(365)         // the clock runs ahead of the services
        };

    /// <summary>Fails all calls that wait for a change of one stream.</summary>
    private sealed class DeafStore(IStreamStore inner, string stream) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource spins = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int failures;

        public bool IsDeaf { get; set; } = true;

        /// <summary>Ends when the service has asked once, and waits for the clock.</summary>
        public async Task PausesAsync(TestClock clock, int timers)
        {
            await asked.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            Task pauses = clock.WaitForTimersAsync(timers, FlowLab.Cancellation);
            await Task.WhenAny(spins.Task, pauses).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            for (int i = 0; i < 1_000; i++) await Task.Yield();
            Assert.InRange(Volatile.Read(ref failures), 1, 10);
        }

        public override ValueTask<long> WaitForChangeAsync(string name, long after, CancellationToken cancellation = default)
        {
            if (!IsDeaf || after < 0 || name != stream) return base.WaitForChangeAsync(name, after, cancellation);
            if (Interlocked.Increment(ref failures) == Many) spins.TrySetResult();
            asked.TrySetResult();
            throw new StreamStoreException("It cannot say so, as the test wants.");
        }
    }
}
