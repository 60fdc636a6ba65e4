using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>An item with more outputs than one commit holds, in a process that dies at each call of the store in turn: each output appears
/// once, and all outputs come from one attempt.</summary>
[Long("the stores in memory and SQLite", In = ["Sluice.PostgreSql.Tests", "Sluice.Redis.Tests"])]
public class SpillCrashTests
{
    private const int Many = 1_900;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("plain", 0)]
    [InlineData("plain", 1)]
    [InlineData("plain", 2)]
    [InlineData("with keys", 2)]
    [InlineData("with state", 0)]
    [InlineData("with state", 1)]
    [InlineData("with state", 2)]
    public async Task EachOutputOfALargeItemAppearsOnceWhereverTheProcessDies(string shape, int moment)
    {
        bool hasDied = true;
        for (int dieAt = 1; hasDied; dieAt++)
        {
            if (!MortalStore.IsPlayed(dieAt, (Moment)moment)) continue;
            await using IStreamStore store = await ScenarioStore.OpenAsync();
            await using (Consecutor<int> feeder = Make(store, shape, 0)) await feeder.SendAllAsync([1, 2, 3], Cancellation);
            var mortal = new MortalStore(store, dieAt, (Moment)moment);
            hasDied = await LifeAsync(mortal, shape, 1);
            if (hasDied) Assert.False(await LifeAsync(new MortalStore(store, int.MaxValue, Moment.Before), shape, 2));
            await CheckAsync(store, $"died at call {dieAt}, {mortal.LastCall}");
        }
    }

    /// <summary>Each part that fails becomes a dead letter: more letters than a commit holds, with exact counts, also after a
    /// crash.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task EachDeadLetterOfALargeItemAppearsOnceWhereverTheProcessDies(int moment)
    {
        const int Parts = 1_100;
        bool hasDied = true;
        for (int dieAt = 1; hasDied; dieAt++)
        {
            if (!MortalStore.IsPlayed(dieAt, (Moment)moment)) continue;
            await using IStreamStore store = await ScenarioStore.OpenAsync();
            await using (Consecutor<int> feeder = New(store)) await feeder.SendAllAsync([1, 2], Cancellation);
            var mortal = new MortalStore(store, dieAt, (Moment)moment);
            Consecutor<int> first = New(mortal);
            await mortal.OutliveAsync(first, RunAsync(first));
            if (hasDied = mortal.Died.IsCompleted)
            {
                await using Consecutor<int> second = New(store);
                await RunAsync(second);
            }
            IReadOnlyList<StoredDeadLetter> letters = await store.ListDeadAsync(Member.Group, max: 4 * Parts, cancellation: Cancellation);
            Assert.True(letters.Count == 2 * Parts, $"{letters.Count} letters after it died at call {dieAt}, {mortal.LastCall}");
            Assert.Equal(2 * Parts, letters.Select(static letter =>
                $"{letter.Root}:{System.Text.Encoding.UTF8.GetString(letter.Entry.Payload.Span)}").Distinct().Count());
        }

        static async Task RunAsync(Consecutor<int> consecutor)
        {
            await consecutor.StartAsync(Cancellation);
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((2L, 2L * Parts, 0L, 0L), (end.Accepted, end.Dead, end.Cancelled, end.Unaccounted));
        }

        static Consecutor<int> New(IStreamStore store)
            => new("work", source => source.SelectMany(static n => Enumerable.Range(0, Parts))
            | (static n => n >= 0 ? throw new FormatException("bad") : n) | (static _ => { }),
            new()
            {
                Store = store,
                Process = new(),
                Delivery = DeliveryGuarantee.Replay(0, Backoff.None),
                Stream = new() { Partitions = 1 }
            });
    }

    private static async Task<bool> LifeAsync(MortalStore store, string shape, int life)
    {
        Consecutor<int> work = Make(store, shape, life);
        await store.OutliveAsync(work, RunAsync());
        return store.Died.IsCompleted;

        async Task RunAsync()
        {
            await work.StartAsync(Cancellation);
            ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
            Assert.Equal((3L, 3L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
            if (shape == "with state") Assert.Equal([("", 6)],
                await work.ListStateAsync<int>("sum", Cancellation).Select(static one => (one.Key, one.Value)).ToListAsync(Cancellation));
        }
    }

    private static async Task CheckAsync(IStreamStore store, string where)
    {
        ConcurrentQueue<string> seen = [];
        await using var outs = new Consecutor<string>("outs", source => source | seen.Enqueue,
            new() { Store = store, Process = new(), Stream = new() { Partitions = 1 } });
        await outs.StartAsync(Cancellation);
        await outs.WaitForIdleAsync(Cancellation);
        foreach (int item in new[] { 1, 2, 3 })
        {
            string[][] lines = [.. seen.Select(static line => line.Split(':')).Where(line => line[0] == $"{item}")];
            Assert.True(lines.Length == (item == 2 ? Many : 1), $"{lines.Length} of item {item}: {where}");
            Assert.Equal(Enumerable.Range(0, lines.Length).Select(static n => $"{n}"), lines.Select(static line => line[2]));
            Assert.Single(lines.Select(static line => line[1]).Distinct());
        }
    }

    private static Consecutor<int> Make(IStreamStore store, string shape, int life)
    {
        var options = new ConsecutorOptions
        {
            Store = store,
            Process = new(),
            Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
            Stream = new() { Partitions = 1 },
            MaxInFlight = 10
        };
        var work = new Consecutor<int>("work",
            source => (shape == "with state" ? source.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum")
                | (static sum => sum == 1 ? 1 : sum == 3 ? 2 : 3) : source)
                .SelectMany(n => Enumerable.Range(0, n == 2 ? Many : 1).Select(part => $"{n}:{life}:{part}"))
                | Sink.Output<string>("parts"), options)
        { Key = shape == "with keys" ? static _ => "one" : null };
        work.Output<string>("parts").To(new Consecutor<string>("outs", static source => source | (static _ => { }), options));
        return work;
    }
}
