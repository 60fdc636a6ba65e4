using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A function that does not heed its cancellation is named.</summary>
public class StopTimeoutWarningTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    private readonly TestClock clock = new();
    private readonly List<string> warnings = [];

    [Fact]
    public async Task TheStopTimeoutWarningComesAfterTenSecondsAndThenLessOften()
    {
        await using var store = new MemoryStreamStore(clock);
        using var core = new SupervisorCore(store, new() { Time = clock, OnWarning = warnings.Add });
        using var life = new CancellationTokenSource();
        var overdue = new StopTimeoutWarning(core, "The processor work of the run run", () => TimeSpan.Zero, life.Token);
        int Said(double after)
        {
            clock.Advance(TimeSpan.FromSeconds(after));
            return warnings.Count;
        }

        Assert.Equal(0, Said(after: 3_600));         // no stop was requested
        await life.CancelAsync();
        Assert.Equal(0, Said(after: 9.9));
        Assert.Equal(1, Said(after: 0.1));
        Assert.Equal(
            "The processor work of the run run was cancelled 10 s ago, and its function still runs: it does not heed its "
                + "CancellationToken. Until it ends, this service cannot stop, nor hand it over. Pass the token on to whatever it waits "
                + "for, or execute it in a child process, which can be ended (Executor.Processes).", warnings[0]);
        Assert.Equal(1, Said(after: 19.9));
        Assert.Equal(2, Said(after: 0.1));
        Assert.Contains("30 s ago", warnings[1], StringComparison.Ordinal);
        await overdue.DisposeAsync();
        Assert.Equal(2, Said(after: 3_600));
    }

    [Fact]
    public async Task AServiceThatCannotStopNamesTheProcessorThatStillRuns()
    {
        var lab = new FlowLab(new MemoryStreamStore(clock));
        var release = new TaskCompletionSource();
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        // The clock moves before the service sees the stop, so other warnings may come first.
        Supervisor service = lab.Join(options => options with
        {
            Time = clock,
            OnWarning = text =>
            {
                if (text.StartsWith("The processor work of the run run was cancelled ", StringComparison.Ordinal)) said.TrySetResult(text);
            },
        });
        service.Register(Work, async (IO<int> x, IOWriter<int> y) =>
        {
            await y.WriteAsync(await x.FirstAsync());
            await release.Task;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "run",
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));

        Task stopped = service.DisposeAsync().AsTask();
        await SaidAsync().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Assert.Contains("its function still runs", await said.Task, StringComparison.Ordinal);
        Assert.False(stopped.IsCompleted);
        release.SetResult();
        await stopped.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.DisposeAsync();

        // The test does not know when the service sees the stop: it moves the clock until the warning comes.
        async Task SaidAsync()
        {
            while (!said.Task.IsCompleted)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                await Task.WhenAny(said.Task, Task.Run(() => { }));
            }
        }
    }
}
