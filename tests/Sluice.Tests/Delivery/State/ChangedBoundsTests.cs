using System.Text.Json;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Code whose windows, chunks, groups and memories have other bounds than the code that stored their state.</summary>
public class ChangedBoundsTests : ChangedCodeTests
{
    /// <summary>A longer window may begin at the moment at which an open window began. Each keeps its own items.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LongerWindowsLeaveTheOpenWindowsTheirItems(bool isRestartedBehindAWindow)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Windows(30, 10), 1);
        clock.Advance(5 * Minute);
        await LiveAsync(store, Windows(60, 10), 2);
        await using (Consecutor<int> second = Make(store, Windows(60, 10)))
        {
            await second.StartAsync(Cancellation);
            await second.SendAsync(3, Cancellation);
            await second.WaitForIdleAsync(Cancellation);
            if (isRestartedBehindAWindow) await PassAsync(6, lines: 1);
            else await second.AbandonAsync();
        }
        await using Consecutor<int> last = Make(store, Windows(60, 10));
        await last.StartAsync(Cancellation);
        await PassAsync(61, lines: 6);
        Assert.Equal(
        [
            "23:40-00:10 1,2,3", "23:50-00:20 1,2,3", "00:00-00:30 1,2,3", "23:40-00:40 2,3", "23:50-00:50 2,3", "00:00-01:00 2,3",
        ], ledger.Lines);
    }

    [Fact]
    public async Task WindowsWithAnotherHopBeginOnTheirOwnGrid()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Windows(20, 10), 1);
        clock.Advance(5 * Minute);
        await using Consecutor<int> last = Make(store, Windows(60, 15));
        await last.StartAsync(Cancellation);
        await last.SendAsync(2, Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        await PassAsync(61, lines: 5);
        Assert.Equal(["23:50-00:10 1,2", "00:00-00:20 1,2", "23:30-00:30 2", "23:45-00:45 2", "00:00-01:00 2"], ledger.Lines);
    }

    [Fact]
    public async Task LongerWindowsWithoutOverlapTakeEachItemOnce()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Windows(10, 10), 1);
        clock.Advance(5 * Minute);
        await LiveAsync(store, Windows(60, 60), 2);
        clock.Advance(10 * Minute);
        await using Consecutor<int> last = Make(store, Windows(60, 60));
        await last.StartAsync(Cancellation);
        await last.SendAsync(3, Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        await PassAsync(61, lines: 2);
        Assert.Equal(["00:00-00:10 1,2", "00:00-01:00 3"], ledger.Lines);
    }

    /// <summary>A window of event time contains all of its items, also if it was opened with a smaller size.</summary>
    [Fact]
    public async Task AnOpenWindowOfEventTimeGrowsToTheNewSize()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, EventWindows(30), 40);
        await EndAsync(store, EventWindows(60), 10);
        Assert.Equal(["00:00-01:00 40,10"], ledger.Lines);

        Func<Source<int>, Source<string>> EventWindows(int size)
        {
            var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddMinutes(n)) { MaxOutOfOrderness = 60 * Minute };
            return source => source.Window(time, size * Minute) | Stage.Named("held") | Text;
        }
    }

    [Theory]
    [InlineData(7, "1,2,3,4,5|6,7,8")]
    [InlineData(5, "1,2,3,4,5|6")]
    [InlineData(12, "1,2,3,4,5|6,7,8,9,10|11,12,13")]
    [InlineData(14, "1,2,3,4,5|6,7,8,9,10|11,12,13,14,15")]
    public async Task HeldItemsBecomeChunksOfTheSmallerSize(int held, string chunks)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Chunks(20), [.. Enumerable.Range(1, held)]);
        await EndAsync(store, Chunks(5), held + 1);
        Assert.Equal(chunks.Split('|'), ledger.Lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task HeldItemsBecomeSmallerChunksWithoutAnotherItem(bool isTimed)
    {
        TimeSpan? within = isTimed ? 5 * Minute : null;
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Chunks(20, within), [.. Enumerable.Range(1, 12)]);
        if (isTimed)
        {
            await using Consecutor<int> last = Make(store, Chunks(5, within));
            await last.StartAsync(Cancellation);
            await PassAsync(6, lines: 3);
        }
        else await EndAsync(store, Chunks(5, within));
        Assert.Equal(["1,2,3,4,5", "6,7,8,9,10", "11,12"], ledger.Lines);
    }

    /// <summary>A round without an item puts out as many chunks as one commit takes; the others follow.</summary>
    [Theory]
    [InlineData("chunk")]
    [InlineData("timed")]
    [InlineData("group")]
    public async Task ManyHeldItemsComeOutInSeveralCommits(string kind)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Pairs(5_000), [.. Enumerable.Range(1, 3_000)]);
        await using Consecutor<string> pairs = new("pairs", source => source | ledger.Sink<string>(),
            new() { Store = store, Process = new(), Stream = new() { Partitions = 1 }, Run = new() { Time = clock } });
        await using Consecutor<int> numbers = New(store, source => Pairs(2)(source) | Sink.Output<string>("pairs"));
        numbers.Output<string>("pairs").To(pairs);
        await pairs.StartAsync(Cancellation);
        await numbers.StartAsync(Cancellation);
        if (kind == "timed") await PassAsync(6, lines: 1_500);
        await numbers.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
        await pairs.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(0, 1_500).Select(static n => $"{(2 * n) + 1},{(2 * n) + 2}"), ledger.Lines);

        Func<Source<int>, Source<string>> Pairs(int count) => kind == "group"
            ? source => source.GroupBy(static _ => 0, count) | Stage.Named("held") | (static group => string.Join(',', group.Items))
            : Chunks(count, kind == "timed" ? 5 * Minute : null);
    }

    [Theory]
    [InlineData(2, "1,3|5|2")]
    [InlineData(1, "1|3|5|2")]
    public async Task HeldItemsBecomeGroupsOfTheSmallerSize(int maxSize, string groups)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Groups(10), 1, 3, 5);
        await EndAsync(store, Groups(maxSize), 2);
        Assert.Equal(groups.Split('|'), ledger.Lines);

        static Func<Source<int>, Source<string>> Groups(int maxSize)
            => source => source.GroupBy(static n => n % 2, maxSize) | Stage.Named("held") | (static group => string.Join(',', group.Items));
    }

    [Fact]
    public async Task AWindowThatHoldsMoreThanItMayNowComesOut()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Windows(60, 60), 1, 2, 3, 4);
        await LiveAsync(store, Windows(60, 60, maxItems: 3), 5);
        Assert.Equal(["00:00-00:00 1,2,3,4,5"], ledger.Lines);
    }

    /// <summary>Its timer was set for the longer gap.</summary>
    [Fact]
    public async Task AnOpenSessionOfAKeyEndsAfterTheNewGap()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Sessions(50), 1);
        await using Consecutor<int> last = Make(store, Sessions(5));
        await last.StartAsync(Cancellation);
        await last.SendAsync(2, Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        clock.Advance(6 * Minute);
        await last.SendAsync(-1, Cancellation);      // behind what is due
        await last.WaitForIdleAsync(Cancellation);
        Assert.Equal(["00:00-00:05 1,2"], ledger.Lines);

        static Func<Source<int>, Source<string>> Sessions(int gap)
            => source => (source.Where(static n => n > 0) | Stage.KeyBy(static (int _) => "all"))
                .SessionWindow(gap * Minute, 100 * Minute, 10) | Stage.Named("held") | Text;
    }

    [Fact]
    public async Task AZipThatHoldsMoreThanItMayNowRefusesFurtherItems()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Zip(10), 1, 2, 3);
        await using Consecutor<int> last = Make(store, Zip(2));
        await last.StartAsync(Cancellation);
        await last.SendAsync(4, Cancellation);
        Assert.Equal(1, (await last.WaitForIdleAsync(Cancellation)).Dead);

        static Func<Source<int>, Source<string>> Zip(int maxHeld)
            => source => source.Zip(static left => left, static right => right.Where(static n => n > 100),
                static (left, right) => $"{left}-{right}", maxHeld) | Stage.Named("held");
    }

    /// <summary>It forgets two keys for each new one until it is within its bound: all at once might not fit into a commit.</summary>
    [Fact]
    public async Task ADistinctForgetsTheKeysBeyondASmallerCapacity()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Distinct(10), [.. Enumerable.Range(1, 10)]);
        await LiveAsync(store, Distinct(2), [.. Enumerable.Range(11, 8)]);
        Assert.Equal(2, Assert.Single(await store.ListStateAsync("numbers", Cancellation)).Rows);
        await LiveAsync(store, Distinct(2), 18, 1);
        Assert.Equal([.. Enumerable.Range(1, 18).Select(static n => $"{n}"), "1"], ledger.Lines);

        static Func<Source<int>, Source<string>> Distinct(int capacity)
            => source => source.Distinct(capacity) | Stage.Named("held") | (static n => $"{n}");
    }

    [Fact]
    public async Task ADistinctByKeyForgetsTheItemsBeyondASmallerCapacity()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Distinct(10), [.. Enumerable.Range(1, 10)]);
        await LiveAsync(store, Distinct(2), 11);
        List<StoredState> rows = await store.ListStateAsync("numbers", "held", Cancellation).ToListAsync(Cancellation);
        Assert.Equal([10, 11], JsonSerializer.Deserialize<int[]>(Assert.Single(rows).Payload.Span)!);

        static Func<Source<int>, Source<string>> Distinct(int capacity)
            => source => (source | Stage.KeyBy(static (int _) => "all")).Distinct(capacity) | Stage.Named("held") | (static n => $"{n}");
    }

    private static Func<Source<int>, Source<string>> Windows(int size, int hop, int maxItems = 100)
        => source => source.Window(size * Minute, hop * Minute, maxItems) | Stage.Named("held") | Text;
}
