using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A cancellation counts if the journal has it before the last end of a processor, whenever a service learns of it.</summary>
public class CancelTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Theory]
    [InlineData(FlowStatus.Completed)]
    [InlineData(FlowStatus.Failed)]
    public async Task CancellingAnEndedRunDoesNotChangeItsStatus(FlowStatus state)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, () => state == FlowStatus.Completed ? Task.FromResult(1) : throw new InvalidOperationException("no ink"));
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).EndedAt is not null);
        await run.CancelAsync(cancellation: FlowLab.Cancellation);

        Assert.Equal(state, (await run.GetStatusAsync(FlowLab.Cancellation)).Status);
        await using FlowRun later = (await lab.Join().FindAsync(run.Id, FlowLab.Cancellation))!;
        Task completion = later.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        if (state == FlowStatus.Completed) await completion;
        else Assert.False((await Assert.ThrowsAsync<FlowException>(() => completion)).IsCancelled);
    }

    [Fact]
    public async Task ACancelledRunWithoutAHostHasEnded()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Null((await run.GetStatusAsync(FlowLab.Cancellation)).EndedAt);
        await run.CancelAsync("not needed", FlowLab.Cancellation);
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.Equal((FlowStatus.Cancelled, FlowStatus.Cancelled), (status.Status, status.Processors[0].Status));
        Assert.NotNull(status.EndedAt);              // otherwise no sweep would ever remove the run
    }

    /// <summary>Stores keep the beginning of a long text, which would be no JSON any more.</summary>
    [Fact]
    public async Task OfALongReasonTheBeginningIsKept()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await run.CancelAsync(new('y', 150_000), FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.True(failure.IsCancelled);
        Assert.EndsWith($"was cancelled: {new string('y', 4_000)}…", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnInputThatACancellationCutsOffIsNoFailure()
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        FlowRun run = await starter.StartAsync(Working, [IOVal.Stream("x", ManyAsync())], cancellation: FlowLab.Cancellation);
        await run.CancelAsync("enough", FlowLab.Cancellation);
        end.SetResult();                             // its next value is refused
        await left.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await run.DisposeAsync();                    // waits until nothing is put in any more
        Assert.DoesNotContain(lab.Warnings, static text => text.Contains("The input x", StringComparison.Ordinal));

        async IAsyncEnumerable<int> ManyAsync()
        {
            await end.Task;
            try
            {
                for (int i = 0; ; i++) yield return i;
            }
            finally
            {
                left.TrySetResult();
            }
        }
    }

    /// <summary>The journal has the cancellation then, so the rest follows: otherwise readers would wait for the streams.</summary>
    [Fact]
    public async Task ACancellationWhoseCallerGivesUpInTheMiddleGoesOn()
    {
        await using var lab = new FlowLab();
        using var giveUp = new CancellationTokenSource();
        var store = new CutStore(lab.Store, giveUp);
        Supervisor service = lab.Join(store: store);
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.CancelAsync("not needed", giveUp.Token));
        store.Gate.SetResult();
        string stream = FlowNames.Values(run.Id, "y");
        await lab.UntilAsync(stream, async () => (await lab.Store.FindStreamAsync(stream, FlowLab.Cancellation))!.End is not null);
    }

    /// <summary>The service that cancels dies between the entry of the journal and the ends of the streams. Nobody hosts the processor.
    /// </summary>
    [Fact]
    public async Task TheStarterEndsTheStreamsOfARunWhoseCancellationWasCutOff()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab();
        await using FlowRun run = await lab.Join(options => options with { Time = clock })
            .StartAsync(Working, [IOVal.Of("x", 1)], run: "cut", cancellation: FlowLab.Cancellation);
        Task<int> read = run.Output<int>("y").FirstAsync(FlowLab.Cancellation).AsTask();
        await Assert.ThrowsAsync<StreamStoreException>(()
            => lab.Join(store: new DeadStore(lab.Store)).CancelAsync("cut", "not needed", FlowLab.Cancellation));
        Assert.True((await Assert.ThrowsAsync<FlowException>(() => clock.AdvanceUntilAsync(read))).IsCancelled);
    }

    /// <summary>Ends no stream: its service has died before.</summary>
    private sealed class DeadStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
            => throw new StreamStoreException("The process has died, as the test wants.") { IsPermanent = true };
    }

    /// <summary>Cancels a token when the first stream is ended, and makes only calls whose token is not cancelled, behind a
    /// gate.</summary>
    private sealed class CutStore(IStreamStore inner, CancellationTokenSource cut) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
        {
            await cut.CancelAsync();
            await Gate.Task;
            cancellation.ThrowIfCancellationRequested();
            return await base.EndStreamAsync(stream, end, cancellation);
        }
    }

    [Fact]
    public async Task AProcessorThatEndsWithoutSeeingTheCancellationIsCancelled()
    {
        await using var lab = new FlowLab();
        var never = new TaskCompletionSource();
        var store = new HookedStore(lab.Store)
        {
            Before = (call, stream) => call == nameof(IStreamStore.WaitForChangeAsync)
            && stream == "flow/deaf" ? never.Task : Task.CompletedTask
        };
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lab.Join(store: store).Register(Work, async (IOWriter<int> y) =>
        {
            await go.Task;
            await y.WriteAsync(1);
        });
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], run: "deaf", cancellation: FlowLab.Cancellation);
        await lab.UntilAsync("flow/deaf", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).Status == FlowStatus.Running);
        await run.CancelAsync("wrong customer", FlowLab.Cancellation);
        go.SetResult();
        await lab.UntilAsync("flow/deaf", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).EndedAt is not null);
        ProcessorInfo status = (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0];
        Assert.Equal((FlowStatus.Cancelled, "wrong customer"), (status.Status, status.Error));
    }

    [Fact]
    public async Task AProcessorFailsIfTheJournalOfItsRunBecomesUnreadable()
    {
        await using var lab = new FlowLab();
        var broken = new TaskCompletionSource();
        var store = new HookedStore(lab.Store)
        {
            Before = (call, stream) => call == nameof(IStreamStore.WaitForChangeAsync)
            && stream == "flow/deaf" ? broken.Task : Task.CompletedTask
        };
        lab.Join(store: store).Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        });
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], run: "deaf", cancellation: FlowLab.Cancellation);
        await lab.UntilAsync("flow/deaf", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).Status == FlowStatus.Running);
        broken.SetException(new StreamStoreException("The entry flow/deaf/0/3 is damaged, as the test wants.") { IsPermanent = true });
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Equal(
            "The run deaf has failed: the processor work has: The journal of the run deaf cannot be followed any further, so its "
                + "cancellation would go unseen here: The entry flow/deaf/0/3 is damaged, as the test wants.", failure.Message);
        Assert.Equal((FlowStatus.Failed, false), ((await run.GetStatusAsync(FlowLab.Cancellation)).Status, failure.IsCancelled));
        await Assert.ThrowsAsync<FlowException>(() => run.Output<int>("y").FirstAsync(FlowLab.Cancellation).AsTask());
    }

    [Fact]
    public async Task LateJournalEventsDoNotChangeTheStatusOfAProcessor()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, () => go.Task);
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).Status == FlowStatus.Running);
        var calls = new StoreRetrier(lab.Store, TimeProvider.System, _ => { }, FlowLab.Patience);
        await RunWatch.AddAsync(calls, run.Id, new(RunEventKind.Moving, "service-1", "work"), FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Running, (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status);
        go.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await RunWatch.AddAsync(calls, run.Id, new(RunEventKind.Idle, "service-1", "work", Stream: "x"), FlowLab.Cancellation);
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Completed, status.Status);
        Assert.NotNull(status.EndedAt);
    }
}
