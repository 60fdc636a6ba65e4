using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Progress;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Terminal.Tests;

/// <summary>The display of task graphs and of flows.</summary>
public sealed class ScopeAndFlowTests : IDisposable
{
    private readonly TestClock clock = new();
    private readonly VirtualTerminal terminal = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ProgressOptions Options => new() { Time = clock, Console = terminal.Console(), RefreshInterval = TimeSpan.FromSeconds(1) };

    [Fact]
    public async Task AScopeShowsItsStepsAndTheirCalls()
    {
        var gate = new TaskCompletionSource();
        var fetch = Step.Of(async (int number) =>
        {
            await gate.Task;
            return number;
        }).Named("Fetch");
        var join = Step.Of((int left, int right) => left + right).Named("Join");
        await using var scope = StepScope.Begin(maxConcurrency: 1, options: new() { Name = "task graph" });
        await using ProgressDisplay progress = scope.ShowProgress(Options);
        Future<int> sum = join(fetch(1), fetch(2));
        while (scope.Running == 0) await Task.Yield();
        await NextAsync();
        Assert.StartsWith("task graph  running", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains("0 of 3 calls", terminal.Lines[1], StringComparison.Ordinal);
        Assert.Contains("bottleneck: Fetch", terminal.Lines);
        Assert.Matches(@"^Fetch +0 .* 1 +0  1 running$",
            Assert.Single(terminal.Lines, line => line.StartsWith("Fetch", StringComparison.Ordinal)));
        gate.SetResult();
        Assert.Equal(3, await sum);
        await progress.DisposeAsync();
        Assert.Contains("3 of 3 calls", terminal.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFlowShowsItsProcessorsUntilItsEnd()
    {
        await using var supervisor = Supervisor.Attach(new MemoryStreamStore(), new() { Name = "shop", OnWarning = static _ => { } });
        await using FlowRun run = await GreetingFlow.StartAsync(supervisor, Cancellation);
        await using ProgressDisplay progress = run.ShowProgress(Options);
        await run.Completion.WaitAsync(Cancellation);
        await progress.DisposeAsync();
        Assert.StartsWith("run-1  completed", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains("100 %  2 of 2 processors", terminal.Lines[1], StringComparison.Ordinal);
        Assert.Contains(terminal.Lines, static line => line.StartsWith("hello", StringComparison.Ordinal)
            && line.EndsWith("completed", StringComparison.Ordinal) && line.Contains(" 1 ", StringComparison.Ordinal));
    }

    public void Dispose() => terminal.Dispose();

    private async Task NextAsync()
    {
        await clock.WaitForTimersAsync(1, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(1));
        await clock.WaitForTimersAsync(1, Cancellation);
    }
}
