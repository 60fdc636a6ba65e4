using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

// Scenarios 12 and 13: hosts and starters that die.
public abstract partial class FlowContract
{
    // Scenario 12: the host is killed in mid-stream; its outputs stay, and none is written twice.
    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task AProcessorResumesAfterItsHostDiesInMidStream(ResumeMode resume)
    {
        const int Items = 60, LastOfTheFirst = 25;
        await using FlowLab lab = await NewLabAsync();
        Processor work = Work with { Resume = resume };
        var isThere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor first = lab.Join(options => options with { Name = "host" });
        Register(first, isFirst: true);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(work).Resolve(),
            Enumerable.Range(1, Items).Select(i => IOVal.Of("x", i)), cancellation: FlowLab.Cancellation);
        await isThere.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await first.AbandonAsync();
        Register(lab.Join(options => options with { Name = "host" }), isFirst: false);
        Assert.Equal(Enumerable.Range(1, Items).Select(static i => i * (i + 1) / 2)
            .Select((sum, i) => resume == ResumeMode.Checkpoint ? sum : i + 1), await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        void Register(Supervisor service, bool isFirst)
        {
            if (resume != ResumeMode.Checkpoint)
                service.Register(work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
                {
                    await foreach (int value in x.StreamAsync(cancellation))
                    {
                        await y.WriteAsync(value, cancellation);
                        if (isFirst) await DieAtAsync(value, cancellation);
                    }
                });
            else
                service.Register(work, async (IO<int> x, IOWriter<int> y, Checkpoint<int> sum, CancellationToken cancellation) =>
                {
                    int now = sum.Value;
                    await foreach (int value in x.StreamAsync(cancellation))
                    {
                        await y.WriteAsync(now += value, cancellation);
                        if (value % 4 == 0) await sum.SaveAsync(now, cancellation);
                        if (isFirst) await DieAtAsync(value, cancellation);
                    }
                });
        }

        async Task DieAtAsync(int value, CancellationToken cancellation)
        {
            if (value != LastOfTheFirst) return;
            isThere.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        }
    }

    // Scenario 12: a merge is replayed.
    [Fact]
    public async Task EachMergeRepeatsItsOwnChoicesIfTheMergesRunInAnotherOrder()
    {
        await using FlowLab lab = await NewLabAsync();
        var both = new Processor("both") { Inputs = ["a", "b", "c", "d"], Outputs = ["p", "q"] };
        var empty = new Processor("empty") { Outputs = ["c"] };
        Supervisor starter = lab.Join(), first = lab.Join();
        starter.Register(empty, () => Task.CompletedTask);
        Register(first, isFirst: true);
        await using FlowRun run = await starter.StartAsync(Flow.From(both, empty).Resolve(),
            [IOVal.Of("a", 1), IOVal.Of("b", 2), IOVal.Of("d", 3)], cancellation: FlowLab.Cancellation);
        int chosen = await run.Output<int>("p").FirstAsync(FlowLab.Cancellation);      // the one of a and b that the store showed first
        Assert.InRange(chosen, 1, 2);
        Assert.Equal(3, await run.Output<int>("q").FirstAsync(FlowLab.Cancellation));
        await first.DisposeAsync();
        Register(lab.Join(), isFirst: false);
        Assert.Equal([chosen, 3 - chosen], await FlowLab.ReadAsync(run.Output<int>("p")));
        Assert.Equal([3], await FlowLab.ReadAsync(run.Output<int>("q")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        void Register(Supervisor service, bool isFirst)
            => service.Register(both, async (IO<int> a, IO<int> b, IO<int> c, IO<int> d, IOWriter<int> p, IOWriter<int> q,
            CancellationToken cancellation) =>
        {
            if (!isFirst) await MergeAsync(c, d, q, cancellation);
            await MergeAsync(a, b, p, cancellation);
            if (!isFirst) return;
            await MergeAsync(c, d, q, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });

        static async Task MergeAsync(IO<int> one, IO<int> other, IOWriter<int> to, CancellationToken cancellation)
        {
            await foreach (var (_, value) in one.Merge([other], cancellation)) await to.WriteAsync(value, cancellation);
        }
    }

    // Scenario 12: a replay that differs.
    [Theory]
    [InlineData(2, "the values are not the same")]
    [InlineData(0, "it put out 1 values then, 0 now")]
    public async Task AReplayWithOtherOutputFailsTheRun(int second, string how)
    {
        await using IStreamStore store = await OpenAsync(TimeProvider.System);
        await using var starter = Supervisor.Attach(store, new() { Name = "starter" });
        var dying = Supervisor.Attach(store, new() { Name = "host" });
        dying.Register(Work, async (IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await dying.AbandonAsync();
        await using var again = Supervisor.Attach(store, new() { Name = "host" });
        again.Register(Work, () => second == 0 ? [] : new[] { IOVal.Of("y", second) });
        var failure = await Assert.ThrowsAsync<NondeterministicReplayException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Equal(
            $"The run {run.Id} has failed: the processor work has: The processor work was repeated after its host had gone, and did not "
                + $"put out the same to y: {how}. What readers have seen and what would follow do not belong together. "
            + "Make it depend on nothing but its inputs (an injected TimeProvider is repeated too), or let it resume per item. An "
            + "ImmutableDictionary or ImmutableHashSet of texts has another order in each process: put out an ImmutableSortedDictionary, a "
            + "SortedSet or a list. If its code, or the type of its values, has changed since then, start another run.",
            failure.Message);
    }

    // Scenario 13: during a start, the starter dies at each of its store calls in turn. It comes back, and starts the run again under the
    // same id.
    [Fact]
    public async Task ARunCanBeStartedAgainAfterItsStarterDiesDuringTheStart()
    {
        await using FlowLab lab = await NewLabAsync();
        lab.Join().Register(Work, CopyAsync);
        bool dies = true;
        for (int call = 1; dies; call++)
        {
            var mortal = new MortalStore(lab.Store, call, (Moment)(call % 3));
            var starter = Supervisor.Attach(mortal, new() { Name = $"starter-{call}" });
            Task<FlowRun> starting = starter.StartAsync(Working, Inputs(), run: $"run-{call}", cancellation: FlowLab.Cancellation);
            await Task.WhenAny(starting, mortal.Died);
            dies = mortal.Died.IsCompleted;
            await starter.AbandonAsync();
            _ = starting.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
            await using var again = Supervisor.Attach(lab.Store, new() { Name = $"starter-{call}" });
            await using FlowRun run = await again.StartAsync(Working, Inputs(), run: $"run-{call}", cancellation: FlowLab.Cancellation);
            Assert.Equal([1, 2, 3], await FlowLab.ReadAsync(run.Output<int>("y")));
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            Assert.True(call < 100, "It never gets through.");
        }

        static IOVal[] Inputs() => [IOVal.Of("x", 1), IOVal.Of("x", 2), IOVal.Of("x", 3)];
    }

    // Scenario 13: the starter dies while it writes an input stream.
    [Fact]
    public async Task AnInputStreamFailsWhenItsStarterDies()
    {
        var clock = new TestClock();
        await using IStreamStore store = await OpenAsync(clock);
        var starter = Supervisor.Attach(store, new() { Name = "starter", Time = clock });
        await using var service = Supervisor.Attach(store, new() { Name = "service", Time = clock });
        service.Register(Work, CopyAsync);
        var isPuttingIn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var dead = new TaskCompletionSource();
        _ = await starter.StartAsync(Working, [IOVal.Stream("x", HangAsync())], run: "fed", cancellation: FlowLab.Cancellation);
        await isPuttingIn.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun seen = (await service.FindAsync("fed", FlowLab.Cancellation))!;
        Task completion = seen.Completion;
        await starter.AbandonAsync();
        while (!completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.PollAsync();
        }
        var failure = await Assert.ThrowsAsync<FlowException>(() => completion);
        Assert.Equal(
            "The run fed has failed: the processor work has: The stream x of the run fed has failed: The service starter, which has "
                + "started the run and was putting in x, has been silent for 15 s. "
            + "Start the run again, or put the values in by a processor.", failure.Message);
        dead.SetResult();

        async IAsyncEnumerable<int> HangAsync()
        {
            yield return 1;
            isPuttingIn.SetResult();
            await dead.Task;
        }
    }
}
