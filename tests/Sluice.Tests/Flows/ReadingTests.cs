using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Readings that are cancelled, abandoned or begun again, and the values that are kept for them.</summary>
public class ReadingTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Fact]
    public async Task ACancelledReadingKeepsNoValuesInTheStore()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, PutOutAsync);
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 2_000)], cancellation: FlowLab.Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await run.Output<int>("y")
            .FirstAsync(new CancellationToken(canceled: true)));
        Assert.Equal(2_000, (await FlowLab.ReadAsync(run.Output<int>("y"))).Count);
        Assert.Equal(0, (await lab.Store.FindStreamAsync($"flow-io/{run.Id}/y", FlowLab.Cancellation))!.Items);
    }

    [Fact]
    public async Task MaxKeptDoesNotApplyToRetentionAll()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, PutOutAsync);
        Flow flow = Working.With("y", new() { MaxKept = 2_000, Retention = Retention.All }).Resolve();
        await using FlowRun run = await service.StartAsync(flow, [IOVal.Of("x", 5_000)], cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(5_000, (await FlowLab.ReadAsync(run.Output<int>("y"))).Count);
    }

    [Fact]
    public async Task AnAbandonedReadingTakesNoSlot()
    {
        var bustle = new Bustle();
        await using var lab = new FlowLab();
        var either = new Processor("either") { Inputs = ["a", "b"], Outputs = ["y"] };
        var later = new Processor("later") { Outputs = ["b"] };
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = null!;
        await bustle.InsideAsync(() =>
        {
            service = lab.Join(options => options with { MaxConcurrency = 1 });
            service.Register(either, async (IO<int> a, IO<int> b) =>
            {
                bustle.Mark();
                return await await Task.WhenAny(a.FirstAsync().AsTask(), b.FirstAsync().AsTask());
            });
            return Task.CompletedTask;
        });
        lab.Join().Register(later, async () =>
        {
            await go.Task;
            return 2;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(either, later).Resolve(), [IOVal.Of("a", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status == FlowStatus.Completed);
        go.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await bustle.SettleAsync();                  // the abandoned reading has its value now

        await using FlowRun next = await service.StartAsync(Flow.From(either).Resolve(), [IOVal.Of("a", 1), IOVal.Of("b", 1)],
            cancellation: FlowLab.Cancellation);
        await next.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task TheNextStartReopensAGateThatWasClosed()
    {
        await using var lab = new FlowLab();
        var maker = new Processor("maker") { Outputs = ["x"] };
        lab.Join().Register(maker, async (IOWriter<int> x, CancellationToken cancellation) =>
        {
            await x.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        Supervisor first = lab.Join();
        first.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(await x.FirstAsync(cancellation), cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(maker, Work).Resolve(), [], cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        Assert.DoesNotContain("processor work (gate)", await ReadersAsync());
        await first.DisposeAsync();
        var isReading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lab.Join().Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int _ in x.StreamAsync(cancellation)) isReading.TrySetResult();
        });
        await isReading.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Contains("processor work (gate)", await ReadersAsync());
        await run.CancelAsync(cancellation: FlowLab.Cancellation);

        async Task<IEnumerable<string>> ReadersAsync()
            => (await lab.Store.FindStreamAsync($"flow-io/{run.Id}/x", FlowLab.Cancellation))!.Readers.Select(reader => reader.Name);
    }

    [Fact]
    public async Task ACheckpointAfterATooLargeOneLosesNoOutput()
    {
        await using var lab = new FlowLab();
        Processor saving = Work with { Resume = ResumeMode.Checkpoint };
        lab.Join().Register(saving, async (IO<int> x, IOWriter<int> y, Checkpoint<string> saved) =>
        {
            await foreach (int value in x.StreamAsync())
            {
                await y.WriteAsync(value);
                await Assert.ThrowsAsync<FlowException>(() => saved.SaveAsync(new('s', 2 << 20)));
                await saved.SaveAsync("small");
            }
        });
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(saving).Resolve(),
            [IOVal.Of("x", 0), IOVal.Of("x", 1), IOVal.Of("x", 2)], cancellation: FlowLab.Cancellation);
        Assert.Equal([0, 1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task RecordedChoicesAreStoredBeforeTheOutputsThatDependOnThem()
    {
        var bustle = new Bustle();
        await using var lab = new FlowLab();
        var two = new Processor("two") { Outputs = ["a", "b"] };
        var isChoosing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var wroteBoth = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> appends = [];
        var store = new HookedStore(lab.Store)
        {
            Before = (call, stream) =>
            {
                if (call != nameof(IStreamStore.AppendAsync)) return Task.CompletedTask;
                lock (appends) appends.Add(stream);
                if (!stream.StartsWith("flow-choices/", StringComparison.Ordinal)) return Task.CompletedTask;
                isChoosing.TrySetResult();
                return go.Task;
            },
        };
        await bustle.InsideAsync(() =>
        {
            lab.Join(store: store).Register(two, async (IOWriter<long> a, IOWriter<long> b, TimeProvider time) =>
            {
                bustle.Mark();
                long now = time.GetUtcNow().UtcTicks;
                await a.WriteAsync(now);
                await isChoosing.Task;
                await b.WriteAsync(now);
                wroteBoth.SetResult();
            });
            return Task.CompletedTask;
        });
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(two).Resolve(), [], run: "r", cancellation: FlowLab.Cancellation);
        await wroteBoth.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await bustle.SettleAsync();
        lock (appends) Assert.Equal(["flow-choices/r/two"], appends);
        go.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        lock (appends) Assert.Equal(["flow-choices/r/two", "flow-io/r/a", "flow-io/r/b"], appends.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARunEndsEvenIfAnErrorOrAStateIsTooLong(bool isState)
    {
        await using var lab = new FlowLab();
        Processor work = Work with { Resume = isState ? ResumeMode.Checkpoint : ResumeMode.FromScratch };
        Delegate save = async (Checkpoint<string> saved) => { await saved.SaveAsync(new('s', 2 << 20)); };
        Delegate fail = () => Task.FromException(new InvalidOperationException(new('e', 2 << 20)));
        lab.Join().Register(work, isState ? save : fail);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AServiceStopsEvenIfItsStoreIsAwayOrClosed(bool isClosed)
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        var store = new HookedStore(inner);
        var service = Supervisor.Attach(store, new() { Time = clock, StopTimeout = Timeout.InfiniteTimeSpan });
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool hasEnded = false;
        service.Register(Work, async (CancellationToken cancellation) =>
        {
            begun.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                Volatile.Write(ref hasEnded, true);
            }
        });
        FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        if (isClosed) await inner.DisposeAsync();
        else store.IsAway = true;
        var stopped = Task.WhenAll(service.DisposeAsync().AsTask(), run.DisposeAsync().AsTask());
        using var limit = new CancellationTokenSource(FlowLab.Patience);
        while (!stopped.IsCompleted)
        {
            Assert.False(limit.IsCancellationRequested, $"The service has not stopped within {FlowLab.Patience}.");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await stopped;
        Assert.True(Volatile.Read(ref hasEnded));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => service.StartAsync(Working, [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation));
    }

    private static async Task PutOutAsync(IO<int> x, IOWriter<int> y)
    {
        int count = await x.FirstAsync();
        for (int i = 0; i < count; i++) await y.WriteAsync(i);
    }
}
