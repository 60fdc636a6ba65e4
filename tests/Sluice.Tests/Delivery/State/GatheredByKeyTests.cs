using System.Text.Json.Serialization;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Pipelines.Operators;

namespace Sluice.Tests.Delivery;

/// <summary>Operators that gather items behind a KeyBy: a consecutor puts out what a plain run does, over crashes and restarts.</summary>
public sealed partial class GatheredByKeyTests : IAsyncDisposable
{
    private const int Keys = 5;
    private static readonly int Seeds = Repetitions.Of(4, all: 100);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, Func<Source<int>, Source<string>>> Operators = new()
    {
        ["aggregate"] = source => source.Aggregate("", (all, n) => all.Length == 0 ? $"{n}" : $"{all},{n}") | Stage.Named("node"),
        ["combined aggregate"] = source => source.Aggregate(() => new List<int>(), (all, n) => [.. all, n],
            (one, other) => [.. one, .. other]) | Stage.Named("node") | Text,
        ["chunk"] = source => source.Chunk(3) | Stage.Named("node") | Text,
        ["chunk until"] = source => source.Chunk(5, until: n => n % 4 == 0) | Stage.Named("node") | Text,
        ["chunk by weight"] = source => source.Chunk(1000, weigh: n => n, maxWeight: 100) | Stage.Named("node") | Text,
        ["chunk in time"] = source => source.Chunk(4, within: 2 * Second) | Stage.Named("node") | Text,
        ["group"] = source => source.GroupBy(n => n / 40, 3) | Stage.Named("node") | (group => $"{Text(group.Items)}:{group.Key}"),
        ["window"] = source => source.Window(3 * Second, maxItems: 1000) | Stage.Named("node") | Text,
        ["full window"] = source => source.Window(5 * Second, maxItems: 2) | Stage.Named("node") | Text,
        ["sliding window"] = source => source.Window(3 * Second, hop: Second, maxItems: 3) | Stage.Named("node") | Text,
        ["session"] = source => source.SessionWindow(Second, 3 * Second, maxItems: 4) | Stage.Named("node") | Text,
    };

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();
    private readonly MemoryStreamStore store;

    public GatheredByKeyTests() => store = new(clock);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Operators.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task AConsecutorPutsOutWhatAPlainRunDoes(string name)
    {
        // In the last one, what comes out at the end had stayed in a queue behind the lanes.
        foreach (int seed in (int[])[.. Enumerable.Range(0, Seeds), 70]) await new GatheredByKeyTests().CompareAsync(name, seed);
    }

    private async Task CompareAsync(string name, int seed)
    {
        var random = new Random(seed);
        (double Wait, int Item)[] script = [.. Enumerable.Range(0, random.Next(1, 60))
            .Select(_ => random.Next(3) == 0 ? (random.Next(1, 10) / 4.0, -1) : (0.0, random.Next(0, 100)))];
        int lanes = 1 + (seed % 3);
        bool isKeyed = seed % 2 == 0;
        string[] expected = await PlayAsync(script, source => Operators[name](source | Stage.KeyBy((int n) => n % Keys, lanes)));

        Consecutor<int> consecutor = Make(lanes, isKeyed, Operators[name]);
        await consecutor.StartAsync(Cancellation);
        foreach (var (wait, item) in script)
        {
            if (wait > 0)
            {
                await consecutor.WaitForIdleAsync(Cancellation);
                if (random.Next(3) > 0)
                {
                    if (random.Next(2) == 0) await consecutor.AbandonAsync();
                    await consecutor.DisposeAsync();
                    consecutor = Make(lanes, isKeyed, Operators[name]);
                    clock.Advance(Second * wait);
                    await consecutor.StartAsync(Cancellation);
                }
                else clock.Advance(Second * wait);
                await consecutor.SendAllAsync([.. Enumerable.Range(1, Keys).Select(n => -n)], Cancellation);     // behind what is due
                await consecutor.WaitForIdleAsync(Cancellation);
            }
            if (item >= 0) await consecutor.SendAsync(item, Cancellation);
        }
        await consecutor.CompleteAsync(Cancellation);
        Assert.Equal(0, (await consecutor.WaitForIdleAsync(Cancellation)).Unaccounted);
        await consecutor.DisposeAsync();
        for (int key = 0; key < Keys; key++)
            Assert.True(expected.Where(line => KeyOf(line) == key).SequenceEqual(ledger.Lines.Where(line => KeyOf(line) == key)),
                $"seed {seed}, key {key}: {string.Join(' ', expected)} is expected of {string.Join(' ', ledger.Lines)}");
        Assert.Empty(await RowsAsync("$timers/node"));
        if (!name.EndsWith("aggregate", StringComparison.Ordinal)) Assert.Empty(await RowsAsync("node"));
    }

    /// <summary>Gathered items are settled; what comes out of them is tried again by itself.</summary>
    [Fact]
    public async Task WhatComesOutIsTriedAgainWithoutTheItemsInIt()
    {
        var failed = new HashSet<string>();
        await using Consecutor<int> consecutor = Make(2, true, source => source.Chunk(3, weigh: n => n == 23 ? -1 : 1, maxWeight: 9)
            | Stage.Named("node") | Text | (text => failed.Add(text) ? throw new InvalidOperationException("busy") : text));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([3, 8, 23, 13, 4, 18], Cancellation);
        Assert.Equal((6L, 1L), await CountsAsync());     // the chunk was an item of its own
        Assert.Equal("3,8,13", Assert.Single(ledger.Lines));
        await consecutor.CompleteAsync(Cancellation);
        Assert.Equal((8L, 1L), await CountsAsync());
        Assert.Equal(["3,8,13", "4", "18"], ledger.Lines);
        Assert.Equal("23", $"{Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation)).Item}");

        async Task<(long, long)> CountsAsync()
        {
            var counts = await consecutor.WaitForIdleAsync(Cancellation);
            return (counts.Completed, counts.Dead);
        }
    }

    /// <summary>A serializer of the items is enough; it need not know arrays of them.</summary>
    [Fact]
    public async Task AGeneratedContextNeedsTheItemsAndWhatComesOut()
    {
        Consecutor<int> Consecutor() => new("numbers",
            source => (source | (n => new Reading(n)) | Stage.KeyBy((Reading one) => one.Number % 2)).Window(Second, maxItems: 10)
                | Stage.Named("node") | (window => $"{window.Items.Count}") | ledger.Sink<string>(),
            new()
            {
                Store = store,
                Process = new(),
                Run = new() { Time = clock },
                Serializers = PayloadSerializers.JsonOf(ReadingJson.Default)
            });
        await using (Consecutor<int> first = Consecutor())
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([1, 3, 2], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using Consecutor<int> second = Consecutor();
        await second.StartAsync(Cancellation);
        await second.CompleteAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(["1", "2"], ledger.Lines.Order());
    }

    /// <summary>Held items go on under the new limits, in commits of a limited size.</summary>
    [Fact]
    public async Task ASmallerCountCutsWhatIsHeld()
    {
        await using (Consecutor<int> first = Make(1, false, source => source.Chunk(1000, within: 9 * Second) | Stage.Named("node") | Text))
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([.. Enumerable.Range(0, 120).Select(n => n * Keys)], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using Consecutor<int> second = Make(1, false, source => source.Chunk(2) | Stage.Named("node") | Text);
        await second.StartAsync(Cancellation);
        await second.SendAsync(600, Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(50, ledger.Lines.Count);
        clock.Advance(9 * Second);                       // the time limit of the code before
        await Member.UntilAsync(() => ledger.Lines.Count == 61);
        Assert.Equal(Enumerable.Range(0, 121).Select(n => n * Keys).Chunk(2).Select(Text), ledger.Lines);
    }

    /// <summary>Together they are larger than a commit: a key may end by several.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatAKeyHoldsAtTheEndComesOutInSeveralCommits(bool areChunks)
    {
        const int Items = 150;
        await using (Consecutor<int> first = Numbers(500))
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([.. Enumerable.Range(0, Items).Select(n => n * Keys)], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using Consecutor<int> numbers = Numbers(1);
        await using var texts = new Consecutor<string>("texts", source => source | (text => text.TrimEnd('x')) | ledger.Sink<string>(),
            new() { Store = store, Process = new(), Run = new() { Time = clock } });
        numbers.Output<string>("texts").To(texts);
        await texts.StartAsync(Cancellation);
        await numbers.StartAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);                // another key, behind it
        await numbers.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
        await texts.WaitForIdleAsync(Cancellation);
        IEnumerable<string> expected = areChunks ? Enumerable.Range(0, Items).Select(n => $"{n * Keys}").Append("1")
            : Enumerable.Repeat($"{Items}", 100).Concat(Enumerable.Repeat("1", 100));
        Assert.Equal(expected.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
        Assert.Empty(await RowsAsync("node"));
        Assert.Empty(await RowsAsync("$timers/node"));

        Consecutor<int> Numbers(int count) => new("numbers", source =>
        {
            Source<int> keyed = source | Stage.KeyBy((int n) => n % Keys);
            Source<string> parts = areChunks ? keyed.Chunk(count) | Stage.Named("node") | (one => $"{one[0]}".PadRight(20_000, 'x'))
                : keyed.Window(100 * Second, hop: Second, maxItems: 1000) | Stage.Named("node")
                    | (one => $"{one.Items.Count}".PadRight(30_000, 'x'));
            return parts | Sink.Output<string>("texts");
        }, new() { Store = store, Process = new(), Stream = new() { Partitions = 1 }, Run = new() { Time = clock } });
    }

    private static string Text(IEnumerable<int> items) => string.Join(',', items);

    private static string Text(Window<int> window) => $"{Text(window.Items)}:{window.Start:mm:ss.ff}-{window.End:mm:ss.ff}";

    private static int KeyOf(string line) => int.Parse(line.Split(',', ':', '@')[0]) % Keys;

    private static async Task<string[]> PlayAsync((double Wait, int Item)[] script, Func<Source<int>, Source<string>> pipeline)
    {
        await using var run = new TimedRun<string>(ExecutionMode.SingleThread, pipeline);
        foreach (var (wait, item) in script)
        {
            if (wait > 0) run.Pass(wait);
            if (item >= 0) run.Send(item);
        }
        run.End();
        await run.Run.Completion;
        return [.. run.Seen.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('@')[0])];
    }

    private ValueTask<IReadOnlyList<StateRow>> RowsAsync(string node)
        => store.ListStateAsync(new("numbers", "numbers"), 0, node, null, 10, Cancellation);

    /// <summary>Negative items go no further; they have the keys of others.</summary>
    private Consecutor<int> Make(int lanes, bool isKeyed, Func<Source<int>, Source<string>> apply) => new("numbers",
        source => apply(source.Where(n => n >= 0) | Stage.KeyBy((int n) => n % Keys, lanes)) | ledger.Sink<string>(),
        new()
        {
            Store = store,
            Process = new(),
            Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
            Stream = new() { Partitions = isKeyed ? 4 : 1 },
            Run = new() { Time = clock }
        })
    {
        Key = isKeyed ? n => $"{Math.Abs(n) % Keys}" : null,
    };

    public sealed record Reading(int Number);

    [JsonSerializable(typeof(int))]
    [JsonSerializable(typeof(Window<Reading>))]
    private sealed partial class ReadingJson : JsonSerializerContext;
}
