using Sluice.Storage;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Operators behind a KeyBy in a consecutor: those with state by key treat each key as if it were alone, over restarts; the others
/// are refused by name.</summary>
public sealed class StoredByKeyTests
{
    private const int Keys = 5;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<int, bool> Lanes => new() { { 1, true }, { 3, true }, { 3, false } };

    [Theory, MemberData(nameof(Lanes))]
    public async Task AScanHasAResultForEachKey(int lanes, bool isKeyed)
    {
        var sums = new int[Keys];
        int[] items = Items(60);
        await PlayAsync(items, lanes, isKeyed, source => source.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum"));
        Assert.Equal(items.Select(n => $"{sums[n % Keys] += n}").Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Lanes))]
    public async Task ADistinctRemembersALimitedNumberOfItemsPerKey(int lanes, bool isKeyed)
    {
        var known = Enumerable.Range(0, Keys).Select(static _ => new List<int>()).ToArray();
        int[] items = [.. Items(80).Select(static n => n % 30)];
        List<string> expected = [];
        foreach (int n in items)
        {
            List<int> own = known[n % Keys];
            if (own.Contains(n)) continue;
            if (own.Count == 3) own.RemoveAt(0);
            own.Add(n);
            expected.Add($"{n}");
        }
        await PlayAsync(items, lanes, isKeyed, source => source.Distinct(3) | Stage.Named("once"));
        Assert.Equal(expected.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Lanes))]
    public async Task ADebounceHoldsOneItemOfEachKey(int lanes, bool isKeyed)
    {
        int[] items = Items(70);
        List<string> expected = [];
        var held = new (int Item, int Due)?[Keys];
        for (int i = 0; i < items.Length; i++)
        {
            if (i % 10 == 0) Pass(i / 10);
            held[items[i] % Keys] = (items[i], (i / 10) + 2);
        }
        Pass(int.MaxValue);
        await PlayAsync(items, lanes, isKeyed, source => source.Debounce(2 * Second) | Stage.Named("quiet"));
        await using Consecutor<int> last = Make(lanes, isKeyed, source => source.Debounce(2 * Second) | Stage.Named("quiet"));
        await last.StartAsync(Cancellation);
        await last.CompleteAsync(Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        Assert.Equal(expected.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));

        void Pass(int now)
        {
            for (int key = 0; key < Keys; key++)
            {
                if (held[key] is not { } one || one.Due > now) continue;
                expected.Add($"{one.Item}");
                held[key] = null;
            }
        }
    }

    [Fact]
    public void OperatorsWithoutStateByKeyAreRefusedByName()
    {
        Dictionary<string, Func<Source<int>, Source<string>>> refused = new()
        {
            ["sample"] = source => source.Sample(Second) | (n => $"{n}"),
            ["window"] = source => source.Window(new EventTime<int>(n => DateTimeOffset.UnixEpoch.AddSeconds(n)), Second)
                | Stage.Named("node") | (_ => ""),
            ["delay"] = source => source.Delay(Second) | (n => $"{n}"),
            ["take"] = source => source.Take(3) | (n => $"{n}"),
            ["skip"] = source => source.Skip(3) | (n => $"{n}"),
        };
        foreach (var (kind, apply) in refused)
        {
            var refusal = Assert.Throws<InvalidTopologyException>(() => Make(2, true, source => apply(source)));
            Assert.Contains(kind, refusal.Message, StringComparison.Ordinal);
            Assert.Contains("StatefulStageNode", refusal.Message, StringComparison.Ordinal);
        }
        var unnamed = Assert.Throws<InvalidTopologyException>(() => Make(2, true, source => source.Debounce(Second) | (n => $"{n}")));
        Assert.Contains("needs a name of its own", unnamed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OperatorsThatHoldMoreThanOneRowAreRefusedWithWhatToWriteInstead()
    {
        Dictionary<string, Func<Source<int>, Source<string>>> refused = new()
        {
            ["Distinct(100)"] = source => source.Distinct() | Stage.Named("node") | (n => $"{n}"),
            ["Chunk(100, within: …)"] = source => source.Chunk(within: Second) | Stage.Named("node") | (_ => ""),
            ["GroupBy(key, maxSize: 100)"] = source => source.GroupBy(n => n) | Stage.Named("node") | (_ => ""),
            [" Window(size, maxItems: 1000)"] = source => source.Window(Second) | Stage.Named("node") | (_ => ""),
            ["SessionWindow(gap, longest, maxItems: 1000)"] = source => source.SessionWindow(Second, Second, 1001) | Stage.Named("node")
                | (_ => ""),
            ["Make the hop larger"] = source => source.Window(101 * Second, Second, 1000) | Stage.Named("node") | (_ => ""),
        };
        foreach (var (advice, apply) in refused)
            Assert.Contains(advice, Assert.Throws<InvalidTopologyException>(() => Make(2, true, source => apply(source))).Message,
                StringComparison.Ordinal);
    }

    private static int[] Items(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(1_000))];
    }

    /// <summary>Ten items in each life, and a second between two.</summary>
    private async Task PlayAsync(int[] items, int lanes, bool isKeyed, Func<Source<int>, Source<int>> apply)
    {
        foreach (int[] some in items.Chunk(10))
        {
            await using Consecutor<int> consecutor = Make(lanes, isKeyed, apply);
            await consecutor.StartAsync(Cancellation);
            for (int i = 0; i < 2_000; i++) await Member.NextAsync();        // what became due has fired
            await consecutor.SendAllAsync(some, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            await consecutor.AbandonAsync();
            clock.Advance(Second);
        }
    }

    private Consecutor<int> Make<T>(int lanes, bool isKeyed, Func<Source<int>, Source<T>> apply) => new("numbers",
        source => apply(source | Stage.KeyBy((int n) => n % Keys, lanes)) | ledger.Sink<T>(),
        new() { Store = Store, Process = new(), Stream = new() { Partitions = isKeyed ? 4 : 1 }, Run = new() { Time = clock } })
    {
        Key = isKeyed ? n => $"{n % Keys}" : null,
    };

    private IStreamStore Store => field ??= new MemoryStreamStore(clock);
}
