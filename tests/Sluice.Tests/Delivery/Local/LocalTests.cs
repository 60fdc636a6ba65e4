using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

/// <summary>Consecutors without a store: random pipelines that fail now and then, filled by several producers, against an oracle that only
/// counts.</summary>
public class LocalTests
{
    private static readonly int Seeds = Repetitions.Of(10, all: 25);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutAStoreEachAcceptedItemEndsOnce()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            try
            {
                await PlayAsync(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed}: {e.Message}", e);
            }
        }
    }

    [Fact]
    public async Task ItemsInAPausedConsecutorCountAsPendingAndRunAfterResume()
    {
        var seen = new ConcurrentQueue<object>();
        await using var consecutor = new Consecutor<object>("objects", source => source | seen.Enqueue);
        await consecutor.PauseAsync(Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.PauseAsync(Cancellation);
        object[] items = [.. Enumerable.Range(0, 700)];
        await (Source.From(items) | consecutor).RunAsync(cancellation: Cancellation);
        await consecutor.SendAllAsync(["last"], Cancellation);
        Assert.Equal((701L, 701L, 0L), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Pending, consecutor.Snapshot().Unaccounted));
        await consecutor.ResumeAsync(Cancellation);
        Assert.Equal(701, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal([.. items, "last"], seen.OrderBy(item => item is string));
    }

    /// <summary>Maps and a sink fused into one loop, or behind a boundary: the dead letter names the failed node and keeps its input; a
    /// retry starts from the beginning.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADeadLetterNamesTheFailedNodeAmongFusedStages(bool hasBoundary)
    {
        var sums = new ConcurrentBag<int>();
        var starts = new ConcurrentDictionary<int, int>();
        await using var consecutor = new Consecutor<int>("numbers", Body,
            new() { Delivery = Sluice.DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await (Source.From(Enumerable.Range(0, 3000)) | consecutor).RunAsync(cancellation: Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((3000L, 2997L, 3L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
        List<DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(Cancellation)) letters.Add(letter);
        Assert.Equal(
            [("First", 700), ("Second", 1401), ("Sink", 2102)],
            letters.Select(letter => (letter.Node, (int)letter.Item!)).OrderBy(letter => letter.Item2));
        Assert.Equal(Enumerable.Range(0, 3000).Except([700, 1400, 2100]).Select(n => n + 2), sums.Order());
        Assert.All(starts, start => Assert.Equal(start.Key is 700 or 1400 or 2100 or 2900 ? 2 : 1, start.Value));
        Assert.Equal(3004, end.Run!.Nodes.Single(node => node.Name == "First").In);

        Pipeline Body(Source<int> source)
        {
            Source<int> summed = source | First | Second;
            return (hasBoundary ? summed | Stage.Buffer(100) : summed) | Sink;
        }

        int First(int n)
        {
            int start = starts.AddOrUpdate(n, 1, static (_, known) => known + 1);
            return n == 700 || (n == 2900 && start == 1) ? throw new FormatException("no good") : n + 1;
        }

        int Second(int n) => n == 1401 ? throw new FormatException("no good") : n + 1;

        void Sink(int n)
        {
            if (n == 2102) throw new FormatException("no good");
            sums.Add(n);
        }
    }

    private static async Task PlayAsync(int seed)
    {
        var random = new Random(seed);
        int items = random.Next(1, 800);
        var (build, expect) = new RandomBody(seed).Make();
        var lines = new ConcurrentDictionary<int, int>();
        await using var consecutor = new Consecutor<int>("numbers", source => build(source) | Note, new()
        {
            Delivery = Sluice.DeliveryGuarantee.Replay(40, Backoff.None),
            Stream = new() { MaxItems = random.Next(2) == 0 ? 100_000 : 10 },
            Run = new()
            {
                Mode = random.Next(3) == 0 ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
                MaxBufferedItems = random.Next(1, 300)
            },
        });
        await consecutor.StartAsync(Cancellation);
        int first = random.Next(items + 1), second = random.Next(first, items + 1);
        Task sending = Task.WhenAll(
            (Source.Range(0, first) | (n => (int)n) | consecutor).RunAsync(cancellation: Cancellation),
            (Source.From(Enumerable.Range(first, second - first)) | consecutor).RunAsync(new RunOptions { TrackItems = true },
                Cancellation),
            SendAsync());
        await sending;
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        int letters = 0;
        await foreach (DeadLetter _ in consecutor.ListDeadLettersAsync(Cancellation)) letters++;
        Assert.True(await consecutor.StopAsync());
        Check(items, expect, lines, end, letters);

        void Note(int value) => lines.AddOrUpdate(value, 1, static (_, known) => known + 1);

        async Task SendAsync()
        {
            Assert.Equal(0, consecutor.Snapshot().Unaccounted);
            for (int n = second; n < items; n++)
            {
                await consecutor.SendAsync(n, Cancellation);
                Assert.Equal(0, consecutor.Snapshot().Unaccounted);
            }
        }
    }

    // A retried item reaches the sink again, so lines are compared as sets; lines of items that died as a whole may be there.
    private static void Check(
        int items, Action<int, Expectation, Action<int>> expect, ConcurrentDictionary<int, int> lines, ConsecutorSnapshot end, int letters)
    {
        HashSet<int> certain = [], possible = [];
        int completed = 0, skipped = 0, dead = 0, split = 0;
        for (int n = 0; n < items; n++)
        {
            var expected = new Expectation();
            List<int> values = [];
            expect(n, expected, values.Add);
            possible.UnionWith(values);
            if (expected.DiesWhole)
            {
                dead++;
                continue;
            }
            certain.UnionWith(values);
            dead += expected.DeadParts;
            split += Math.Max(0, expected.DeadParts - 1);
            if (expected.DeadParts > 0) continue;
            if (values.Count > 0) completed++;
            else skipped++;
        }
        Assert.Equal((items, completed, skipped, dead, split, 0L, 0L),
            (end.Accepted, end.Completed, end.Skipped, end.Dead, end.Split, end.Cancelled, end.Unaccounted));
        Assert.Equal(dead, letters);
        Assert.Superset(certain, lines.Keys.ToHashSet());
        Assert.Subset(possible, lines.Keys.ToHashSet());
    }
}
