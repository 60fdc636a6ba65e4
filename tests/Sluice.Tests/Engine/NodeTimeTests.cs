using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Engine;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>The recorded time per node, and the name of a node that hangs.</summary>
public sealed class NodeTimeTests : IDisposable
{
    private readonly TestClock clock = new();
    private readonly ManualResetEventSlim goOn = new();

    public void Dispose() => goOn.Dispose();

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    public async Task TheTimeOfANodeExcludesTheNodesBehindIt(int lanes, bool retries)
    {
        var scheduler = new SeededScheduler(5);
        Source<int> source = Source.From([1, 2, 3]) | Fast | Stage.Named("fast") | WaitAsync | Stage.Named("slow") | Stage.Parallel(lanes);
        if (retries) source |= Stage.Retry(1);
        PipelineRun run = (source | StageNode.Of(() => new Measuring(clock)) | Stage.Named("node")).ForEach(static _ => { })
            .Start(new RunOptions { Scheduler = scheduler, Time = clock, RecordTimings = true });
        RunSnapshot end = await scheduler.RunToEndAsync(run, clock);
        Assert.Equal(TimeSpan.Zero, end["fast"].Time);
        Assert.Equal(TimeSpan.FromSeconds(6), end["slow"].Time);
        Assert.Equal(TimeSpan.FromSeconds(9), end["node"].Time);
        Assert.Equal(TimeSpan.FromSeconds(3), end["node"].Measured["query"]);
        Assert.Null(end.Nodes[0].Time);
        Assert.Contains("9.000 s", end.ToString());

        static int Fast(int n) => n;

        async Task<int> WaitAsync(int n)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), clock);
            return n;
        }
    }

    /// <remarks>There is an instance for each key, and the newest one knew only its own time.</remarks>
    [Fact]
    public async Task TheTimeOfANodeBehindAKeyIsThatOfAllKeys()
    {
        var scheduler = new SeededScheduler(5);
        Source<int> source = Source.From(Enumerable.Range(0, 10)) | Stage.KeyBy((int n) => n % 5, lanes: 1);
        PipelineRun run = (source.Scan(0, (sum, n) =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return sum + n;
        }) | Stage.Named("sum")).ForEach(static _ => { })
            .Start(new RunOptions { Scheduler = scheduler, Time = clock, RecordTimings = true });
        RunSnapshot end = await scheduler.RunToEndAsync(run, clock);
        Assert.Equal(TimeSpan.FromSeconds(10), end["sum"].Time);
    }

    [Fact]
    public async Task AFunctionWithoutAnnotationsHasATime()
    {
        RunSnapshot end = await (Source.From([1]) | (n => n) | (n => n)).ForEach(static _ => { }).RunAsync(new() { RecordTimings = true });
        Assert.All(end.Nodes.Skip(1), static node => Assert.NotNull(node.Time));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task TheSlowestItemsOfANodeAreKnown(int lanes)
    {
        var scheduler = new SeededScheduler(5);
        PipelineRun run = (Source.From(Enumerable.Range(0, 40)) | WaitAsync | Stage.Named("slow") | Stage.Parallel(lanes)
            | Stage.OnError(ErrorPolicy.Skip) | (n => n) | Stage.Named("fast")).ForEach(static _ => { })
            .Start(new RunOptions { Scheduler = scheduler, Time = clock, RecordTimings = true });
        RunSnapshot end = await scheduler.RunToEndAsync(run, clock);
        clock.Advance(TimeSpan.FromMinutes(11));     // the nodes are made when they are read, and of the moment of the snapshot
        int[] times = [.. Enumerable.Range(0, 40).Select(TimeOf).OrderDescending().Take(10)];
        Assert.Equal(times, end["slow"].Slowest.Select(static one => (int)one.Time.TotalMilliseconds));
        Assert.All(end["slow"].Slowest, static one => Assert.Equal(TimeOf(int.Parse(one.Item, CultureInfo.InvariantCulture)),
            (int)one.Time.TotalMilliseconds));
        Assert.Contains(end["slow"].Slowest, static one => one.Item == "12");          // which has failed
        Assert.Empty(end["fast"].Slowest);           // no item has taken any time

        static int TimeOf(int n) => 1 + (n * 17 % 41);

        async Task<int> WaitAsync(int n)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(TimeOf(n)), clock);
            return n == 12 ? throw new FormatException() : n;
        }
    }

    [Fact]
    public void SlowItemsAreForgottenAfterTenMinutesAndFasterOnesTakeTheirPlaces()
    {
        var slowest = new SlowestItems(clock);
        for (int n = 0; n < 20; n++) slowest.Note(n, Ticks(n + 1), clock.GetTimestamp());
        Assert.Equal(["19", "18", "17", "16", "15", "14", "13", "12", "11", "10"], Items());
        clock.Advance(TimeSpan.FromMinutes(9));
        slowest.Note("late", Ticks(30), clock.GetTimestamp());
        slowest.Note("fast", Ticks(2), clock.GetTimestamp());
        Assert.Equal(["late", "19", "18", "17", "16", "15", "14", "13", "12", "11"], Items());
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["late"], Items());
        slowest.Note("fast", Ticks(2), clock.GetTimestamp());
        Assert.Equal(["late", "fast"], Items());
        slowest.Note(new Silent(), Ticks(1), clock.GetTimestamp());
        Assert.Equal(["late", "fast", "Silent (its ToString threw FormatException)"], Items());

        long Ticks(int seconds) => seconds * clock.TimestampFrequency;

        IEnumerable<string> Items()
        {
            List<SlowItem>? all = null;
            slowest.AddTo(ref all, clock.GetTimestamp());
            return all?.Select(static one => one.Item) ?? [];
        }
    }

    private sealed class Silent
    {
        public override string ToString() => throw new FormatException();
    }

    [Fact]
    public async Task TimesAreNotRecordedByDefault()
    {
        RunSnapshot end = await (Source.From([1]) | (n => n)).ForEach(static _ => { }).RunAsync();
        Assert.All(end.Nodes, static node => Assert.Null(node.Time));
        Assert.All(end.Nodes, static node => Assert.Empty(node.Measured));
        Assert.All(end.Nodes, static node => Assert.Empty(node.Slowest));
    }

    [Theory]
    [InlineData(true, "second")]
    [InlineData(false, "numbers | first | second | third | last")]
    public async Task AHangNamesOneNodeWithTimingsAndAChainWithoutThem(bool recordsTimings, string named)
    {
        var hangs = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Source.From([1]) | Stage.Named("numbers") | (n => n) | Stage.Named("first") | Hang | Stage.Named("second")
            | (n => n) | Stage.Named("third") | (_ => { }) | Stage.Named("last"))
            .Start(new RunOptions { Time = clock, RecordTimings = recordsTimings });
        await hangs.Task;
        _ = run.CancelAsync();
        clock.Advance(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.Equal([named], run.StillRunning);
        goOn.Set();
        while (run.StillRunning.Count > 0) await Task.Yield();

        int Hang(int n)
        {
            hangs.SetResult();
            goOn.Wait(CancellationToken.None);
            return n;
        }
    }

    private sealed class Measuring(TestClock clock) : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            using (Measure("query")) await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellation);
            await output.PushAsync(item);
            await Task.Delay(TimeSpan.FromSeconds(2), clock, cancellation);
        }
    }
}
