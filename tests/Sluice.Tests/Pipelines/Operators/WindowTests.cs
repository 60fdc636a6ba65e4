using System.Globalization;
using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class WindowTests : OperatorContract<int[]>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override string Kind => "window";

    protected override int? FirstOutputAfter => 7; // the contract's clock does not advance: only full windows come out

    protected override Source<int[]> Apply(Source<int> source)
        => source.Window(Second, maxItems: 7).Select(window => window.Items.ToArray());

    protected override Pipe<int, int[]> Apply(Pipe<int, int> pipe)
        => pipe.Window(Second, maxItems: 7).Select(window => window.Items.ToArray());

    protected override IEnumerable<int[]> Oracle(IReadOnlyList<int> items) => items.Chunk(7);

    [Fact]
    public void AnEmptyWindowIsRefusedByTheNameOfItsSize()
    {
        Source<int> numbers = Source.From([1]);
        Assert.Throws<ArgumentOutOfRangeException>("size", () => numbers.Window(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>("size", () => numbers.Window(TimeSpan.Zero, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>("size",
            () => numbers.Window(new EventTime<int>(static _ => DateTimeOffset.UnixEpoch), TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>("hop", () => numbers.Window(TimeSpan.FromSeconds(1), TimeSpan.Zero));
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task WindowsAreAlignedToMultiplesOfTheirSize(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.Window(TimeSpan.FromSeconds(11)).Select(Text));
        long offset = (run.Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks % TimeSpan.FromSeconds(11).Ticks;
        int first = 11 - (int)TimeSpan.FromTicks(offset).TotalSeconds;  // seconds from the start of the run to the first whole window
        Assert.InRange(first, 1, 10);
        run.Send(1);
        run.Pass(first - 0.5);
        run.Send(2);
        run.Pass(0.5);
        Assert.Equal(Lines($"{first - 11}..{first}: 1 2@{first}"), run.Seen);
        run.Pass(8);
        run.Send(3);
        run.Pass(30);
        Assert.Equal(Lines($"{first - 11}..{first}: 1 2@{first}", $"{first}..{first + 11}: 3@{first + 11}"), run.Seen);
        Assert.Equal(0, run.Clock.ArmedTimers);                      // no window is open, so no tick is due
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SettingTheTimeOfDayMovesNoWindow(bool isKeyed)
    {
        var clock = new SetClock();
        List<string> seen = [];
        Source<string> source = Source.From(Items());
        Source<Window<string>> windows = isKeyed
            ? (source | Stage.KeyBy((string key) => key, lanes: 1)).Window(TimeSpan.FromHours(1)) : source.Window(TimeSpan.FromHours(1));
        await windows.ForEach(window => seen.Add($"{window.Start:HH:mm} {string.Join(' ', window.Items)}"))
            .RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread, Time = clock });
        Assert.Equal(isKeyed ? ["00:00 a", "00:00 b"] : ["00:00 a b"], seen);

        IEnumerable<string> Items()
        {
            yield return "a";
            clock.SetBy = TimeSpan.FromHours(-3);
            yield return "b";
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AnItemAtTheVeryEndBelongsToTheNextWindow(ExecutionMode mode)
    {
        await using var itemFirst = new TimedRun<string>(mode, source => source.Window(Second).Select(Text));
        itemFirst.Send(1);
        itemFirst.SendMeanwhile(1, 2);
        itemFirst.Pass(1);
        Assert.Equal(Lines("0..1: 1@1", "1..2: 2@2"), itemFirst.Seen);

        await using var tickFirst = new TimedRun<string>(mode, source => source.Window(Second).Select(Text));
        tickFirst.Send(1);
        tickFirst.Pass(1);
        tickFirst.Send(2);
        tickFirst.Pass(1);
        Assert.Equal(Lines("0..1: 1@1", "1..2: 2@2"), tickFirst.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task SlidingWindowsShareItems(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.Window(3 * Second, Second).Select(Text));
        run.Send(1);
        run.Pass(1.5);
        run.Send(2);
        run.Pass(10);
        Assert.Equal(Lines("-2..1: 1@1", "-1..2: 1 2@2", "0..3: 1 2@3", "1..4: 2@4"), run.Seen);
        run.End();
        await run.AssertEndedAsync();
    }

    [Fact]
    public async Task SlidingWindowsContainExactlyTheItemsOfTheirTime()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            int hop = random.Next(1, 4), size = hop * random.Next(1, 4) + random.Next(0, hop);
            List<(double At, int Item)> sent = [];
            List<Window<int>> windows = [];
            await using var run = new TimedRun<Window<int>>(ExecutionMode.MultiThread,
                source => source.Window(size * Second, hop * Second).Select(window =>
                {
                    windows.Add(window);
                    return window;
                }));
            DateTimeOffset start = run.Clock.GetUtcNow();
            for (int item = 0; item < 40; item++)
            {
                run.Pass(random.Next(3) == 0 ? random.Next(8) : random.Next(4) / 4.0);
                sent.Add(((run.Clock.GetUtcNow() - start).TotalSeconds, item));
                run.Send(item);
            }
            run.End();

            // The oracle: every window on the grid that contains an item, with all of its items.
            double origin = -((start - DateTimeOffset.UnixEpoch).TotalSeconds % hop);
            var expected = Enumerable.Range(-size, (int)sent[^1].At + (2 * size) + 2)
                .Select(hops => origin + (hops * (double)hop))
                .Select(from => (From: from, Items: sent.Where(one => one.At >= from && one.At < from + size).Select(one => one.Item)
                .ToArray()))
                .Where(window => window.Items.Length > 0).ToArray();
            Assert.Equal(expected.Select(window => window.From), windows.Select(window => (window.Start - start).TotalSeconds));
            Assert.Equal(expected.Select(window => window.Items), windows.Select(window => window.Items.ToArray()));
            Assert.All(windows, window => Assert.Equal(size * Second, window.End - window.Start));
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ASessionEndsAfterAGap(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.SessionWindow(Second, 10 * Second).Select(Text));
        run.Pass(0.25);
        run.Send(1);
        run.Pass(0.75);
        run.Send(2);
        run.Pass(0.75);
        run.Send(3);
        run.Pass(1);
        run.Send(4);                                                 // exactly when the session ends
        run.Pass(5);
        Assert.Equal(Lines("0.25..2.75: 1 2 3@2.75", "2.75..3.75: 4@3.75"), run.Seen);
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ASessionLastsNoLongerThanAllowed(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.SessionWindow(Second, 2 * Second).Select(Text));
        for (int item = 1; item <= 6; item++)
        {
            run.Send(item);
            run.Pass(0.5);
        }
        run.Pass(5);
        Assert.Equal(Lines("0..2: 1 2 3 4@2", "2..3.5: 5 6@3.5"), run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AFullWindowIsEmittedAtOnceAndItsRestIsAnotherWindow(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.Window(Second, maxItems: 2).Select(Text));
        run.Pass(0.25);
        run.Send(1, 2, 3);
        Assert.Equal(Lines("0..0.25: 1 2@0.25"), run.Seen);
        run.Pass(0.25);
        run.Send(4);
        run.Pass(5);
        Assert.Equal(Lines("0..0.25: 1 2@0.25", "0.25..0.5: 3 4@0.5"), run.Seen);      // and no empty window
        run.End();
        await run.AssertEndedAsync();
    }

    [Fact]
    public async Task AFullSessionKeepsItsMaximumDuration()
    {
        await using var run = new TimedRun<string>(ExecutionMode.SingleThread,
            source => source.SessionWindow(Second, 2 * Second, maxItems: 2).Select(Text));
        for (int item = 1; item <= 5; item++)
        {
            run.Send(item);
            run.Pass(0.75);
        }
        run.Pass(5);
        Assert.Equal(Lines("0..0.75: 1 2@0.75", "0.75..2: 3@2", "2.25..3: 4 5@3"), run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task OpenWindowsAreEmittedAtTheEndWithTheirPlannedEnds(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.Window(2 * Second, Second).Select(Text));
        run.Send(1);
        run.Pass(0.5);
        run.End();
        Assert.Equal(Lines("-1..1: 1@0.5", "0..2: 1@0.5"), run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AClockJumpClosesWindowsInOrder(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.Window(2 * Second, Second).Select(Text));
        run.Send(1);
        run.Jump(3600);
        Assert.Equal(Lines("-1..1: 1@3600", "0..2: 1@3600"), run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ACancelledRunDoesNotEmitOpenWindows(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, source => source.Window(Second).Select(Text));
        run.Send(1);
        run.Cancel();
        run.AssertCancelled();
        run.Jump(5);
        Assert.Equal("", run.Seen);
    }

    [Fact]
    public void InvalidWindowSettingsAreRefused()
    {
        Source<int> source = Source.From([1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(Second, 2 * Second));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(Second, Second / 1001));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Window(Second, maxItems: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.SessionWindow(Second, TimeSpan.Zero));
    }

    private static string Lines(params string[] windows) => string.Join(' ', windows);

    /// <summary>The window as text, in seconds since the clock's start: <c>0..1: items</c>.</summary>
    private static string Text(Window<int> window)
    {
        DateTimeOffset start = new TestClock().GetUtcNow();
        return string.Create(CultureInfo.InvariantCulture,
            $"{(window.Start - start).TotalSeconds}..{(window.End - start).TotalSeconds}: {string.Join(' ', window.Items)}");
    }

    /// <summary>A clock whose time of day is set, while no time passes.</summary>
    private sealed class SetClock : TimeProvider
    {
        public TimeSpan SetBy { get; set; }

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 1, 0, 30, 0, TimeSpan.Zero) + SetBy;

        public override long GetTimestamp() => 0;
    }
}
