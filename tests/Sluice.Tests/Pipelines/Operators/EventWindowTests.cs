using System.Globalization;
using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Windows by event time, in runs without a store. Items are seconds since 1970.</summary>
public sealed class EventWindowTests : FunctionOperatorContract<int[]>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    protected override string Kind => "window";

    protected override int? FirstOutputAfter => 8;

    protected override Source<int[]> Apply(Source<int> source)
        => source.Window(Time(), 7 * Second).Select(window => window.Items.ToArray());

    protected override Pipe<int, int[]> Apply(Pipe<int, int> pipe)
        => pipe.Window(Time(), 7 * Second).Select(window => window.Items.ToArray());

    protected override Source<int[]> Fragile(Source<int> source, Action<int> touch) => source.Window(
        new EventTime<int>(item =>
        {
            touch(item);
            return At(item);
        }), 7 * Second).Select(window => window.Items.ToArray());

    protected override IEnumerable<int[]> Oracle(IReadOnlyList<int> items) => items.Chunk(7);

    [Fact]
    public Task AnItemBelongsToTheWindowOfItsEventTime()
        => AssertAsync(["0..10: 3 9 1", "10..20: 12 11", "20..30: 22"], source => source.Window(Time(3), 10 * Second), 3, 12, 9, 1, 11, 22);

    [Fact]
    public Task AWindowIncludesItsStartAndExcludesItsEnd()
        => AssertAsync(["0..10: 0 9", "10..20: 10"], source => source.Window(Time(), 10 * Second), 0, 9, 10);

    [Fact]
    public Task HoppingWindowsShareItems()
        => AssertAsync(["-5..5: 3", "0..10: 3 7", "5..15: 7 12", "10..20: 12"], source => source.Window(Time(), 10 * Second, 5 * Second), 3,
        7, 12);

    [Fact]
    public Task LateItemsAreSkippedAndCounted()
        => AssertAsync(["0..10: 1", "10..20: 15"], source => source.Window(Time(), 10 * Second), skipped: 2, 1, 15, 9, 0);

    [Fact]
    public Task EachLateItemWithinTheAllowedLatenessIsAnotherPane()
        => AssertAsync(["0..10: 1", "0..10#1: 9", "0..10#2: 8", "10..20: 15 16", "20..30: 25"],
        source => source.Window(Time(lateness: 10), 10 * Second), skipped: 1, 1, 15, 9, 8, 16, 25, 7);

    [Fact]
    public Task AFullWindowComesOutInPanes()
        => AssertAsync(["0..10: 1 2", "0..10#1: 3 4", "0..10#2: 5", "10..20: 11"],
        source => source.Window(Time(), 10 * Second, maxItems: 2), 1, 2, 3, 4, 5, 11);

    [Fact]
    public Task ASessionEndsAfterAGapInEventTime()
        => AssertAsync(["1..11: 1 2 6", "11..16: 11"], source => source.SessionWindow(Time(), 5 * Second), 1, 2, 6, 11);

    [Fact]
    public Task AnOutOfOrderItemMergesTwoSessions()
        => AssertAsync(["1..14: 1 9 5", "30..35: 30"], source => source.SessionWindow(Time(20), 5 * Second), 1, 9, 5, 30);

    [Fact]
    public Task AnAllowedLateItemExtendsAnEmittedSession()
        => AssertAsync(["1..6: 1", "1..14#1: 9 5", "20..25: 20"], source => source.SessionWindow(Time(lateness: 10), 5 * Second), 1, 9, 5,
        20);

    [Fact]
    public Task ASessionThatIsJoinedHoldsNoMoreThanItMay()
        => AssertAsync(["1..17: 1 2 3", "1..17#1: 9 11 12 6", "30..35: 30"],
        source => source.SessionWindow(Time(20), 5 * Second, maxItems: 4), 1, 2, 3, 9, 11, 12, 6, 30);

    [Fact]
    public Task ASessionThatIsJoinedAndHasRoomComesOutInOnePane()
        => AssertAsync(["1..16: 1 2 9 11 6", "30..35: 30"], source => source.SessionWindow(Time(20), 5 * Second, maxItems: 6),
        1, 2, 9, 11, 6, 30);

    [Fact]
    public async Task LateItemsGoToTheLateOutput()
    {
        List<string> seen = [];
        await using PipelineRun run = (Source.From([1, 15, 9, 16, 2]).Window(Time() with { LateOutput = "late" }, 10 * Second)
            | Text).ForEach(seen.Add).Start(new RunOptions { Outputs = ["late"] });
        Assert.Equal([9, 2], await run.Output<int>("late").ReadAllAsync(TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken));
        await run.Completion;
        Assert.Equal(["0..10: 1", "10..20: 15 16"], seen);
    }

    /// <summary>An item is in each of its windows once. It is late if the watermark has passed all of its windows.</summary>
    [Fact]
    public async Task EveryItemIsInItsWindowsOrLate()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            int hop = random.Next(1, 6), size = hop * random.Next(1, 4) + random.Next(0, hop), outOfOrder = random.Next(0, 8),
                lateness = random.Next(3) == 0 ? random.Next(1, 12) : 0;
            int[] items = [.. Enumerable.Range(0, 80).Select(at => Math.Max(0, at + random.Next(-14, 10)))];
            List<Window<int>> panes = [];
            await using PipelineRun run = source().ForEach(panes.Add).Start(new RunOptions { Outputs = ["late"] });
            List<int> late = await run.Output<int>("late").ReadAllAsync(TestContext.Current.CancellationToken)
                .ToListAsync(TestContext.Current.CancellationToken);
            await run.Completion;

            SortedDictionary<int, List<int>> expected = [];
            List<int> expectedLate = [];
            int watermark = int.MinValue / 2;
            foreach (int item in items)
            {
                int[] starts = [.. Enumerable.Range(-size, item + size + 1)
                    .Where(start => start % hop == 0 && start <= item && item < start + size && start + size + lateness > watermark)];
                if (starts.Length == 0) expectedLate.Add(item);
                foreach (int start in starts) (expected.TryGetValue(start, out List<int>? some) ? some : expected[start] = []).Add(item);
                watermark = Math.Max(watermark, item - outOfOrder);
            }
            Assert.Equal(expectedLate, late);
            Assert.Equal(expected.Select(window => (At(window.Key), At(window.Key + size), string.Join(' ', window.Value))),
                panes.GroupBy(pane => pane.Start).OrderBy(panes => panes.Key)
                    .Select(panes => (panes.Key, panes.First().End, string.Join(' ', panes.SelectMany(pane => pane.Items)))));
            Assert.All(panes.GroupBy(pane => pane.Start),
                group => Assert.Equal(Enumerable.Range(0, group.Count()), group.Select(pane => pane.Pane)));
            DateTimeOffset[] firsts = [.. panes.Where(pane => pane.Pane == 0 && lateness == 0).Select(pane => pane.End)];
            Assert.Equal(firsts.Order(), firsts);

            Source<Window<int>> source() => Source.From(items)
                .Window(Time(outOfOrder, lateness) with { LateOutput = "late" }, size * Second, hop * Second);
        }
    }

    /// <summary>If no item is late, the sessions are the same as for items in order.</summary>
    [Fact]
    public async Task SessionsDoNotDependOnTheOrderOfArrival()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            int gap = random.Next(1, 6);
            int[] items = [.. Enumerable.Range(0, 40).Select(at => (3 * at) + random.Next(0, 12))];
            List<Window<int>> sessions = [];
            await Source.From(items).SessionWindow(Time(12), gap * Second).ForEach(sessions.Add).RunAsync();
            List<List<int>> expected = [];
            foreach (int item in items.Order())
            {
                if (expected.Count == 0 || item - expected[^1][^1] >= gap) expected.Add([]);
                expected[^1].Add(item);
            }
            Assert.Equal(expected.Select(some => (At(some[0]), At(some[^1] + gap), string.Join(' ', some))),
                sessions.Select(session => (session.Start, session.End, string.Join(' ', session.Items.Order()))));
        }
    }

    [Theory, InlineData(ExecutionMode.SingleThread), InlineData(ExecutionMode.MultiThread)]
    public async Task AnIdleInputLetsTheClockMoveTheWatermark(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode,
            source => source.Window(Time(2) with { IdleTimeout = 20 * Second }, 10 * Second).Select(Text));
        run.Send(1, 5);                              // the watermark is at 3
        run.Pass(19);
        Assert.Equal("", run.Seen);
        run.Send(8);                                 // at 6, and not idle
        run.Pass(19.5);
        Assert.Equal("", run.Seen);
        run.Pass(0.5);                               // at 26
        Assert.Equal("0..10: 1 5 8@39", run.Seen);
        run.Send(25, 26);                            // item 25 is behind the watermark, but its window is still open
        run.Pass(100);
        Assert.Equal("0..10: 1 5 8@39 20..30: 25 26@59", run.Seen);
        Assert.Equal(0, run.Clock.ArmedTimers);
        run.Send(29);
        Assert.Equal(1, run.Node("window").Skipped);
        run.End();
        await run.AssertEndedAsync();
    }

    /// <remarks>Formerly the time in which a sink was busy was idle time: what had come meanwhile was late.</remarks>
    [Theory, InlineData(ExecutionMode.SingleThread, false), InlineData(ExecutionMode.MultiThread, false),
     InlineData(ExecutionMode.SingleThread, true)]
    public async Task ItemsThatWaitForTheNextStageAreNoIdleInput(ExecutionMode mode, bool isByKey)
    {
        await using var run = new TimedRun<string>(mode, source => isByKey
            ? (source | Stage.KeyBy((int n) => n % 2)).Window(Time() with { IdleTimeout = 5 * Second }, 10 * Second).Select(Text)
            : source.Window(Time() with { IdleTimeout = 5 * Second }, 10 * Second).Select(Text));
        run.Send(1, 2);
        run.Block();
        run.Send(11);                                // the sink is busy with the first window
        run.Send(12, 13, 14);
        run.Pass(30);
        run.Unblock();
        run.Pass(4);
        Assert.Equal(isByKey ? "0..10: 1@0 0..10: 2@30" : "0..10: 1 2@0", run.Seen);
        run.Pass(30);                                // idle
        Assert.EndsWith(isByKey ? "10..20: 12 14@36 10..20: 11 13@37" : "10..20: 11 12 13 14@36", run.Seen, StringComparison.Ordinal);
        run.End();
        await run.AssertEndedAsync();
    }

    [Fact]
    public async Task TheClockMovesTheWatermarkToTheEndOfTheLastOpenWindow()
    {
        await using var run = new TimedRun<string>(ExecutionMode.SingleThread,
            source => source.Window(Time(300) with { IdleTimeout = 5 * Second }, 10 * Second).Select(Text));
        run.Send(305);                               // the watermark is at 5
        run.Pass(3600);
        Assert.Equal("300..310: 305@305", run.Seen);
        run.Send(309);
        Assert.Equal(1, run.Node("window").Skipped);
        run.Send(311);
        Assert.Equal(1, run.Node("window").Skipped);
        run.End();
        await run.AssertEndedAsync();
    }

    [Fact]
    public async Task WithoutAnIdleTimeoutTheClockDoesNotMoveTheWatermark()
    {
        await using var run = new TimedRun<string>(ExecutionMode.SingleThread, source => source.Window(Time(), 10 * Second).Select(Text));
        run.Send(1);
        run.Jump(3600);
        run.Send(2);
        Assert.Equal("", run.Seen);
        run.Send(10);
        Assert.Equal("0..10: 1 2@3600", run.Seen);
    }

    [Fact]
    public void InvalidWindowSettingsAreRefused()
    {
        Source<int> source = Source.From([1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => Time(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Time(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Time() with { IdleTimeout = TimeSpan.Zero });
        Assert.Throws<ArgumentException>("LateOutput", () => Time() with { LateOutput = "" });
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(Time(), TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(Time(), Second, 2 * Second));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(Time(), Second, Second / 101));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(Time(), Second, maxItems: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.SessionWindow(Time(), TimeSpan.Zero));
        string message = Assert.Throws<ArgumentOutOfRangeException>(() => source.SessionWindow(Time(100_000), Second / 2)).Message;
        Assert.StartsWith("Up to 200,001 windows would have to be kept at a time, and 100,000 may", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheFirstAndLastRepresentableTimesHaveWindows()
    {
        List<Window<DateTimeOffset>> seen = [];
        await Source.From([DateTimeOffset.MinValue, DateTimeOffset.MaxValue])
            .Window(new EventTime<DateTimeOffset>(at => at), TimeSpan.FromDays(10)).ForEach(seen.Add).RunAsync();
        Assert.Equal([DateTimeOffset.MinValue, DateTimeOffset.MaxValue], seen.SelectMany(window => window.Items));
    }

    private static EventTime<int> Time(int outOfOrder = 0, int lateness = 0)
        => new(At) { MaxOutOfOrderness = outOfOrder * Second, AllowedLateness = lateness * Second };

    private static DateTimeOffset At(int item) => DateTimeOffset.UnixEpoch.AddSeconds(item);

    private static Task AssertAsync(string[] expected, Func<Source<int>, Source<Window<int>>> apply, params int[] items)
        => AssertAsync(expected, apply, 0L, items);

    private static async Task AssertAsync(string[] expected, Func<Source<int>, Source<Window<int>>> apply, long skipped, params int[] items)
    {
        foreach (ExecutionMode mode in new[] { ExecutionMode.SingleThread, ExecutionMode.MultiThread })
        {
            List<string> seen = [];
            RunSnapshot end = await (apply(Source.From(items)) | Text).ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode });
            Assert.Equal(expected, seen);
            Assert.Equal(skipped, end.Nodes.Single(node => node.Node.Kind == "window").Skipped);
        }
    }

    private static string Text(Window<int> window)
    {
        string pane = window.Pane == 0 ? "" : $"#{window.Pane}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{(window.Start - DateTimeOffset.UnixEpoch).TotalSeconds}..{(window.End - DateTimeOffset.UnixEpoch).TotalSeconds}{pane}: {string.Join(' ', window.Items)}");
    }
}
