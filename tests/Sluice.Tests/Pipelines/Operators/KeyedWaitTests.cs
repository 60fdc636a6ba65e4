using System.Globalization;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Behind a KeyBy, items of one key may wait for an item of another key. A key whose items wait is not idle.</summary>
public sealed class KeyedWaitTests
{
    private const double Almost = 2.9999999;         // of the three seconds of a timeout
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode, int> Lanes
    {
        get
        {
            var data = new TheoryData<ExecutionMode, int>();
            foreach (ExecutionMode mode in Enum.GetValues<ExecutionMode>())
                foreach (int lanes in (int[])[1, 2, 3, 8]) data.Add(mode, lanes);
            return data;
        }
    }

    [Theory, MemberData(nameof(Lanes))]
    public async Task NoKeyTimesOutWhoseItemsWaitForAnItemOfAnotherKey(ExecutionMode mode, int lanes)
    {
        foreach (double before in (double[])[0, 1, Almost])
        {
            await using var run = new TimedRun<int>(mode, source => Keyed(source, lanes).Timeout(3 * Second), maxBufferedItems: 1);
            SendBesideABusySink(run, before);
            Assert.Equal(Sent.Order(), Items(run));
            run.Pass(2.9);
            Assert.False(run.Run.Completion.IsCompleted);
            run.Pass(0.1);
            await AssertTimedOutAsync(run);
        }
    }

    [Theory, MemberData(nameof(Lanes))]
    public async Task NoKeyEndsWhoseItemsWaitForAnItemOfAnotherKey(ExecutionMode mode, int lanes)
    {
        foreach (double before in (double[])[0, 1, Almost])
        {
            await using var run = new TimedRun<int>(mode, source => Keyed(source, lanes).Timeout(3 * Second, end: true),
                maxBufferedItems: 1);
            SendBesideABusySink(run, before);
            Assert.Equal(Sent.Order(), Items(run));
            run.Pass(3);
            run.Send(190, 191, 192, 193, 194);
            Assert.Equal([.. Sent.Order(), 194], Items(run));
            run.End();
            await run.AssertEndedAsync();
        }
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread, 1)]
    [InlineData(ExecutionMode.SingleThread, 8)]
    [InlineData(ExecutionMode.MultiThread, 1)]
    public async Task NoKeyTimesOutWhileTheNextStageBlocksItsThread(ExecutionMode mode, int lanes)
    {
        TimedRun<int>? run = null;
        await using TimedRun<int> made = run = new(mode, source => Keyed(source, lanes).Timeout(3 * Second).Do(item =>
        {
            if (item == 21) run!.Clock.Advance(10 * Second);
        }));
        run.Send(10, 11, 12, 13);
        run.Send(21);
        run.Send(20, 22, 23);
        Assert.Equal([10, 11, 12, 13, 20, 21, 22, 23], Items(run));
        run.Pass(2.9);
        Assert.False(run.Run.Completion.IsCompleted);
        run.Pass(0.1);
        await AssertTimedOutAsync(run);
    }

    /// <remarks>Once the wall time of its timeout has passed, the tick of a key waits for the end of a wait. All keys acted at the end of
    /// each wait of the router, and waited again for the next one.</remarks>
    [Fact]
    public async Task AKeyWhoseTimeStandsStillDoesNotActAtTheEndOfEachWait()
    {
        const int Keys = 400, Behind = 100;
        await using var run = new TimedRun<int>(ExecutionMode.MultiThread,
            source => (source | Stage.KeyBy((int item) => item % Keys, lanes: 2)).Timeout(30 * Second), maxBufferedItems: 1);
        run.Send(Enumerable.Range(0, Keys));
        run.Block();
        run.Send(Enumerable.Repeat(1, Behind));
        run.Pass(31);
        run.Step();                                  // each key has looked once, and knows how much of its time is left
        int before = run.Executed;
        for (int i = 1; i < Behind / 2; i++) run.Step();
        Assert.InRange(run.Executed - before, Behind / 2, 10 * Behind);
        run.Unblock();
    }

    [Fact]
    public async Task TheFailureOfATimeoutNamesTheKey()
    {
        await using var run = new TimedRun<int>(ExecutionMode.SingleThread, source => Keyed(source, 4).Timeout(3 * Second));
        run.Send(11, 12);
        run.Pass(1);
        run.Send(21);
        run.Pass(2);
        Assert.Equal("'timeout-1' failed: no further item of the key '2' came within 3 s.",
            (await Assert.ThrowsAsync<PipelineException>(() => run.Run.Completion)).Message);
    }

    [Theory, MemberData(nameof(Lanes))]
    public async Task NoItemIsLateThatWaitsForAnItemOfAnotherKey(ExecutionMode mode, int lanes)
    {
        var time = new EventTime<int>(item => At(item / 10)) { IdleTimeout = 5 * Second };
        await using var run = new TimedRun<string>(mode, source => Keyed(source, lanes).Window(time, 10 * Second).Select(Text),
            maxBufferedItems: 1);
        run.Send(10, 11, 12, 13);                    // second 1
        run.Block();
        for (int window = 1; window < 12; window++) run.Send((window * 100) + 1);
        run.Send(40, 42, 43);                        // second 4
        run.Pass(60);
        run.Unblock();
        run.Pass(4.9);
        Assert.DoesNotContain("10 40", run.Seen, StringComparison.Ordinal);
        run.Pass(20);                                // idle
        Assert.Contains("0..10: 10 40@", run.Seen, StringComparison.Ordinal);
        Assert.Contains("0..10: 12 42@", run.Seen, StringComparison.Ordinal);
        Assert.Contains("0..10: 13 43@", run.Seen, StringComparison.Ordinal);
        Assert.Equal(0, run.Node("window").Skipped);
        run.End();
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Lanes))]
    public void ARunCanBeCancelledWhileAKeyWaitsForAnother(ExecutionMode mode, int lanes)
    {
        var run = new TimedRun<int>(mode, source => Keyed(source, lanes).Timeout(3 * Second), maxBufferedItems: 1);
        run.Send(10, 11, 12, 13);
        run.Block();
        run.Send([.. Enumerable.Range(2, 11).Select(n => (10 * n) + 1), 20]);
        run.Pass(10);
        run.Cancel();
        run.AssertCancelled();
    }

    // The last three items wait.
    private static int[] Sent => [10, 11, 12, 13, .. Enumerable.Range(2, 11).Select(n => (10 * n) + 1), 20, 22, 23];

    private static Source<int> Keyed(Source<int> source, int lanes) => source | Stage.KeyBy((int item) => item % 10, lanes);

    /// <summary>The sink is busy for a minute with the first item behind those of all keys; the last three items wait.</summary>
    private static void SendBesideABusySink(TimedRun<int> run, double before)
    {
        run.Send(Sent[..4]);
        run.Pass(before);
        run.Block();
        run.Send(Sent[4..^3]);
        run.Pass(1);
        run.Send(Sent[^3..]);
        run.Pass(59);
        run.Unblock();
    }

    /// <summary>The items that the sink has seen, sorted: lanes keep the order of the items of a key only.</summary>
    private static int[] Items(TimedRun<int> run)
        => [.. run.Seen.Split(' ').Select(item => int.Parse(item.Split('@')[0], CultureInfo.InvariantCulture)).Order()];

    private static async Task AssertTimedOutAsync(TimedRun<int> run)
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Run.Completion);
        Assert.StartsWith("'timeout-1' failed: no further item of the key '", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    private static DateTimeOffset At(int second) => DateTimeOffset.UnixEpoch.AddSeconds(second);

    private static string Text(Window<int> window) => string.Create(CultureInfo.InvariantCulture,
        $"{(window.Start - At(0)).TotalSeconds}..{(window.End - At(0)).TotalSeconds}: {string.Join(' ', window.Items)}");
}
