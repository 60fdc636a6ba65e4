using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The status of a run that stands still says what its processors wait for.</summary>
public class StalledRunTests
{
    private static readonly Processor Source = new("source") { Outputs = ["x"] },
        Sink = new("sink") { Inputs = ["x", "y"], Outputs = ["z"] };
    private static readonly Processor Late = new("late") { Inputs = ["w"], Outputs = ["y"] };

    [Fact]
    public async Task TheStatusAndAWarningSayWhatAProcessorWaitsFor()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor service = lab.Join(options => options with { Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan });
        var hasRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Source, async (IOWriter<int> x, CancellationToken cancellation) =>
        {
            for (int i = 0; i < 100; i++) await x.WriteAsync(i, cancellation);
        });
        service.Register(Sink, async (IO<int> x, IO<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(cancellation))
            {
                hasRead.TrySetResult();
                await foreach (int other in y.StreamAsync(cancellation)) return value + other;
            }
            return 0;
        });
        Flow flow = Flow.From(Source, Sink, Late).With("x", new() { MaxItems = 4 }).Resolve();
        await using FlowRun run = await service.StartAsync(flow, [IOVal.Of("w", 1)], cancellation: FlowLab.Cancellation);
        await hasRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        await AdvanceUntilAsync(async () => (status = await run.GetStatusAsync(FlowLab.Cancellation)).Processors is [{ WaitsFor: not null },
        { WaitsFor: not null }, _]);
        Assert.Equal("room in x, read by sink, which waits for a value of y, written by late, which no service hosts",
            status.Processors[0].WaitsFor);
        Assert.Equal("a value of y, written by late, which no service hosts", status.Processors[1].WaitsFor);
        Assert.Null(status.Processors[2].WaitsFor);
        Assert.Contains("source  running (waits for room in x, read by sink, which",
            System.Text.RegularExpressions.Regex.Replace(status.ToText(), " {2,}", "  "), StringComparison.Ordinal);

        string? warning = null;
        await AdvanceUntilAsync(() =>
        {
            warning = lab.Warnings.Find(text => text.StartsWith($"In the run {run.Id}, source has waited for ",
                StringComparison.Ordinal));
            return Task.FromResult(warning is not null);
        });
        Assert.Matches(
            "waited for [0-9,]+ s for room in x, read by sink, which waits for a value of y, written by late, which no service hosts.$",
                warning);

        // Now a service hosts late.
        service.Register(Late, (IO<int> w) => Task.FromResult(1));
        await AdvanceUntilAsync(() => Task.FromResult(run.Completion.IsCompleted));
        await run.Completion;
        Assert.All((await run.GetStatusAsync(FlowLab.Cancellation)).Processors, processor => Assert.Null(processor.WaitsFor));

        async Task AdvanceUntilAsync(Func<Task<bool>> isSo)
        {
            var rounds = new Rounds(50_000);
            while (!await isSo())
            {
                Assert.True(await rounds.GoOnAsync(), $"It never is: {(await run.GetStatusAsync(FlowLab.Cancellation)).ToText()}");
                clock.Advance(TimeSpan.FromMilliseconds(250));
                for (int n = 0; n < 100; n++) await Task.Yield();
            }
        }
    }
}
