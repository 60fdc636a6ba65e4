using Sluice.Diagnostics;
using Sluice.Graphs;
using Sluice.Progress;
using Sluice.Progress.Looks;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Terminal.Tests;

/// <summary>The display on a terminal in memory, with virtual time.</summary>
public sealed class ProgressDisplayTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly TestClock clock = new();
    private readonly VirtualTerminal terminal = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ProgressOptions Options(string? title = null, long? expected = null) => new()
    {
        Title = title,
        ExpectedItems = expected,
        Time = clock,
        Console = terminal.Console(),
        RefreshInterval = Second,
    };

    [Fact]
    public async Task ARunShowsCountsRateAndTheTimeThatIsLeft()
    {
        var gate = new SemaphoreSlim(0);
        var taken = new SemaphoreSlim(0);
        async ValueTask Work(int number, CancellationToken cancellation)
        {
            taken.Release();
            await gate.WaitAsync(cancellation);
        }
        await using PipelineRun run = (Source.From(Enumerable.Range(1, 10)) | Work)
            .Start(new RunOptions { Time = clock, TrackItems = true });
        await using ProgressDisplay progress = run.ShowProgress(Options("numbers", expected: 10));
        Assert.True(progress.IsShown);
        gate.Release(4);
        for (int i = 0; i < 5; i++) await taken.WaitAsync(Cancellation);
        await NextAsync(2 * Second);
        await NextAsync(2 * Second);

        Assert.StartsWith("numbers  running", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains("40 %  4 of 10 items", terminal.Lines[1], StringComparison.Ordinal);
        Assert.Contains("[################--", terminal.Lines[1], StringComparison.Ordinal);
        Assert.Matches(@"^Work +5 .* running$", Assert.Single(terminal.Lines, line => line.StartsWith("Work", StringComparison.Ordinal)));
        gate.Release(6);
        await run.Completion.WaitAsync(Cancellation);
        await progress.DisposeAsync();
        Assert.Contains("completed", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains("100 %  10 of 10 items", terminal.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheTimeThatIsLeftFollowsFromTheRate()
    {
        var items = System.Threading.Channels.Channel.CreateUnbounded<int>();
        await using PipelineRun run = (Source.From(items.Reader) | (static _ => { }))
            .Start(new RunOptions { Time = clock, TrackItems = true });
        await using ProgressDisplay progress = run.ShowProgress(Options("numbers", expected: 100));
        for (int second = 0; second < 5; second++)
        {
            for (int i = 0; i < 10; i++) items.Writer.TryWrite(i);
            while (run.Snapshot().Roots!.Value.Completed < 10 * (second + 1)) await Task.Yield();
            await NextAsync(Second);
        }
        Assert.Contains("10/s", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains("50 of 100 items  about 5 s left", terminal.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheBottleneckIsNamed()
    {
        var gate = new SemaphoreSlim(0);
        int Quick(int number) => number;
        async ValueTask<int> Slow(int number, CancellationToken cancellation)
        {
            await gate.WaitAsync(cancellation);
            return number;
        }
        Source<int> source = Source.From(Enumerable.Range(1, 1000)) | Quick;
        await using PipelineRun run = (source.Buffer(4) | Slow | (static _ => { })).Start(new RunOptions { Time = clock });
        await using ProgressDisplay progress = run.ShowProgress(Options());
        while (run.Snapshot()["Quick"].BlockedOn is null) await Task.Yield();
        for (int i = 0; i < 3; i++) await NextAsync(Second);
        Assert.Contains("bottleneck: Slow", terminal.Lines);
        gate.Release(1000);
        await run.Completion.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task AFailureIsShownWithoutControlCharacters()
    {
        static int Fail(int number) => throw new InvalidOperationException("no\e[2J\nluck");
        await using PipelineRun run = (Source.From([1]) | Fail | (static _ => { })).Start();
        await using ProgressDisplay progress = run.ShowProgress(Options());
        await Assert.ThrowsAsync<PipelineException>(() => run.Completion.WaitAsync(Cancellation));
        await progress.DisposeAsync();
        Assert.Contains("failed", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains(terminal.Lines, line => line.Contains("no [2J luck", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ARunThatHasEndedIsShownOnce()
    {
        await using PipelineRun run = (Source.From<int>([]) | (static _ => { })).Start();
        await run.Completion.WaitAsync(Cancellation);
        ProgressDisplay progress = run.ShowProgress(Options("nothing"));
        await progress.DisposeAsync();
        await progress.DisposeAsync();
        Assert.StartsWith("nothing  completed  0 items", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Single(terminal.Lines, line => line.StartsWith("nothing", StringComparison.Ordinal));
        Assert.Equal(0, clock.ArmedTimers);
    }

    [Fact]
    public async Task TwoDisplaysAreBelowEachOtherAndTheOneThatEndsMovesUp()
    {
        ProgressOptions options = Options();
        var gate = new SemaphoreSlim(0);
        async ValueTask Work(int number, CancellationToken cancellation) => await gate.WaitAsync(cancellation);
        await using PipelineRun first = (Source.From([1]) | Work).Start(), second = (Source.From<int>([]) | (static _ => { })).Start();
        await second.Completion.WaitAsync(Cancellation);
        await using ProgressDisplay one = first.ShowProgress(options with { Title = "first" });
        await NextAsync(Second);
        await using (second.ShowProgress(options with { Title = "second" }))
        {
        }
        await NextAsync(Second);
        Assert.Equal(["second", "first"], terminal.Lines.Select(line => line.Split(' ')[0]).Where(word => word is "first" or "second"));
        gate.Release();
    }

    [Theory]
    [InlineData(20)]
    [InlineData(1)]
    [InlineData(45)]
    public async Task ATerminalThatBecomesNarrowerLeavesNoRemains(int width)
    {
        var gate = new SemaphoreSlim(0);
        async ValueTask Work(int number, CancellationToken cancellation) => await gate.WaitAsync(cancellation);
        await using PipelineRun run = (Source.From([1, 2]) | Work).Start();
        await terminal.WriteAsync("before\n");
        await using ProgressDisplay progress = run.ShowProgress(Options("numbers", expected: 1));
        await NextAsync(Second);
        terminal.Resize(width);
        await NextAsync(Second);
        string[] lines = terminal.Lines;
        Assert.Equal("before"[..Math.Min(6, width)], lines[0]);
        Assert.All(lines, line => Assert.True(line.Length <= width, line));
        if (width > 1) Assert.Single(lines, line => line.StartsWith("numbers", StringComparison.Ordinal));
        gate.Release(2);
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(ObjectDisposedException))]
    public async Task ATerminalThatIsClosedEndsNothingElse(Type failure)
    {
        var gate = new SemaphoreSlim(0);
        async ValueTask Work(int number, CancellationToken cancellation) => await gate.WaitAsync(cancellation);
        await using PipelineRun run = (Source.From([1, 2]) | Work).Start();
        await using ProgressDisplay progress = run.ShowProgress(Options());
        terminal.Closed = (Exception)Activator.CreateInstance(failure, "the terminal was closed")!;
        await clock.WaitForTimersAsync(1, Cancellation);
        clock.Advance(Second);
        gate.Release(2);
        await run.Completion.WaitAsync(Cancellation);
        await progress.DisposeAsync();
    }

    [Fact]
    public async Task WithoutATerminalNothingIsWrittenAndNothingIsAsked()
    {
        var file = new VirtualTerminal { IsTerminal = false };
        await using var scope = StepScope.Begin();
        await using ProgressDisplay progress = scope.ShowProgress(Options() with { Console = file.Console() });
        Assert.False(progress.IsShown);
        Assert.Equal("", file.Written);
        Assert.Equal(0, clock.ArmedTimers);
    }

    [Fact]
    public async Task AThousandNodesAreCutAtTheMaximumNumberOfRows()
    {
        await using PipelineRun run = Chain(1000).Start();
        await run.Completion.WaitAsync(Cancellation);
        await using (run.ShowProgress(Options() with { MaxRows = 5 }))
        {
        }
        Assert.Equal(8, terminal.Lines.Length);
        Assert.Matches(@"^… and \d+ more$", terminal.Lines[^1]);
    }

    private static Pipeline Chain(int nodes)
    {
        Source<int> source = Source.From([1]);
        for (int i = 0; i < nodes; i++) source |= static number => number + 1;
        return source | (static _ => { });
    }

    [Fact]
    public async Task AConsecutorShowsItsBacklog()
    {
        var store = new MemoryStreamStore();
        await using var orders = new Consecutor<int>("orders", source => source | Take,
            new() { Store = store, OnWarning = static _ => { } });
        await orders.SendAllAsync([1, 2, 3], Cancellation);
        await using ProgressDisplay progress = orders.ShowProgress(Options());
        await NextAsync(Second);
        Assert.StartsWith("orders  created, 3 pending", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains("0 of 3 items", terminal.Lines[1], StringComparison.Ordinal);
        await orders.StartAsync(Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await NextAsync(Second);
        Assert.Contains("100 %  3 of 3 items", terminal.Lines[1], StringComparison.Ordinal);
        await orders.StopAsync(cancellation: Cancellation);
        await progress.DisposeAsync();
        Assert.StartsWith("orders  stopped", terminal.Lines[0], StringComparison.Ordinal);

        static void Take(int number)
        {
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TheRateOfAResumedRunIsThatOfItsOwnItems(bool tracks)
    {
        await using var orders = new Consecutor<int>("orders", static source => source | (static _ => { }),
            new() { Store = new MemoryStreamStore(clock), OnWarning = static _ => { } });
        await (Source.Resumable("numbers", Enumerable.Range(1, 1000)) | orders).RunAsync(cancellation: Cancellation);
        await using PipelineRun run = (Source.Resumable("numbers", Numbers()) | orders)
            .Start(new RunOptions { Time = clock, TrackItems = tracks });
        await using ProgressDisplay progress = run.ShowProgress(Options("numbers", expected: 1020));
        await run.Completion.WaitAsync(Cancellation);
        await progress.DisposeAsync();
        Assert.Contains("  10/s", terminal.Lines[0], StringComparison.Ordinal);
        Assert.Contains("1,020 of 1,020 items", terminal.Lines[1], StringComparison.Ordinal);

        IEnumerable<int> Numbers()
        {
            for (int number = 1; number <= 1020; number++) yield return number;
            clock.Advance(2 * Second);
        }
    }

    /// <summary>A display that begins an hour after its consecutor.</summary>
    [Fact]
    public async Task TheRateOfAConsecutorAfterItsEndIsThatOfTheTimeThatWasWatched()
    {
        Assert.Throws<ArgumentNullException>(() => new ProgressOptions { Time = null! });
        await using PipelineRun run = (Source.From<int>([]) | (static _ => { })).Start();
        await run.Completion.WaitAsync(Cancellation);
        RunSnapshot begun = run.Snapshot() with { Elapsed = TimeSpan.FromHours(1) };
        var snapshot = new ConsecutorSnapshot("orders", ConsecutorStatus.Running, begun) { Accepted = 1000 };
        var progress = new ConsecutorProgress(() => snapshot, () => run.Topology, "orders");
        var rates = new ProgressRates(clock, maxRows: 16);
        rates.Add(await progress.LookAsync(Cancellation));
        RunSnapshot ended = begun with { Elapsed = begun.Elapsed + (10 * Second) };
        snapshot = new("orders", ConsecutorStatus.Stopped, ended) { Accepted = 1050 };
        Assert.Equal(5, rates.Add(await progress.LookAsync(Cancellation)).PerSecond);
    }

    public void Dispose() => terminal.Dispose();

    // Moves the time once the display waits, and waits until it has drawn and waits again.
    private async Task NextAsync(TimeSpan by)
    {
        await clock.WaitForTimersAsync(1, Cancellation);
        clock.Advance(by);
        await clock.WaitForTimersAsync(1, Cancellation);
    }
}
