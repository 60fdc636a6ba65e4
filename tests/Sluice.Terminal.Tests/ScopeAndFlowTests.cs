using Sluice.Diagnostics;
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

    /// <summary>The store keeps all values for a processor that begins anew after a crash: they do not wait.</summary>
    [Fact]
    public async Task AValueThatAProcessorHasReadDoesNotWait()
    {
        await using var supervisor = Supervisor.Attach(new MemoryStreamStore(), new() { Name = "shop", OnWarning = static _ => { } });
        var make = new Processor("make") { Outputs = ["numbers"] };
        var slow = new Processor("slow") { Inputs = ["numbers"] };
        var hasRead = new TaskCompletionSource();
        var mayEnd = new TaskCompletionSource();
        supervisor.Register(make, Numbers);
        supervisor.Register(slow, async (IO<int> numbers, CancellationToken cancellation) =>
        {
            await foreach (int number in numbers.StreamAsync(cancellation))
            {
                if (number != 4500) continue;
                hasRead.SetResult();
                await mayEnd.Task.WaitAsync(cancellation);
            }
        });
        await using FlowRun run = await supervisor.StartAsync(Flow.From(make, slow).Resolve(), [], cancellation: Cancellation);
        await hasRead.Task.WaitAsync(Cancellation);
        FlowStreamInfo stream;
        var rounds = new Rounds(1000);
        do stream = Assert.Single((await run.GetStatusAsync(Cancellation)).Streams);
        while (stream.Written < 5000 && await rounds.GoOnAsync());
        long unread = Assert.Single(stream.Readers).Unread;          // blocks are counted, so it may be a part of the values
        Assert.Equal((5000, 5000, true), (stream.Written, stream.Kept, unread < 5000));
        await using (run.ShowProgress(Options)) await clock.WaitForTimersAsync(1, Cancellation);
        string row = Assert.Single(terminal.Lines, static line => line.StartsWith("slow", StringComparison.Ordinal));
        Assert.Contains($" {unread:N0}  ", row, StringComparison.Ordinal);
        Assert.DoesNotContain("5,000", row, StringComparison.Ordinal);
        mayEnd.SetResult();
        await run.Completion.WaitAsync(Cancellation);

        static async IAsyncEnumerable<IOVal> Numbers()
        {
            await Task.Yield();
            for (int i = 0; i < 5000; i++) yield return IOVal.Of("numbers", i);
        }
    }

    public void Dispose() => terminal.Dispose();

    private async Task NextAsync()
    {
        await clock.WaitForTimersAsync(1, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(1));
        await clock.WaitForTimersAsync(1, Cancellation);
    }
}
