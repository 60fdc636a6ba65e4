using System.Collections.Concurrent;

namespace Sluice.Tests.Delivery;

/// <summary>Consecutors that keep state, whose process dies at random calls of the store, with items that fail now and then, or always:
/// what comes out is compared with what a loop would make.</summary>
public class StateCrashTests
{
    [Fact]
    public Task StateByKeyIsExactAndInOrder() => CrashLab.PlayAllAsync(60, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 150), keys = random.Next(1, 8);
        var faults = new Faults(seed);
        bool hasLanes = random.Next(2) == 0;
        var lab = new CrashLab(random, items) { Key = n => $"{n % keys}" };
        await PlayAsync(lab, faults, items, keys, hasLanes, cancellation);
    });

    /// <remarks>After each theft the owner gives up its items in flight, and acquires the partition again with its next heartbeat, together
    /// with other partitions or before them.</remarks>
    [Fact]
    public async Task StateByKeyIsExactAndInOrderAlsoIfPartitionsAreTakenAway()
    {
        int thefts = 0;
        await CrashLab.PlayAllAsync(20, async (seed, cancellation) =>
        {
            var random = new Random(seed);
            int items = random.Next(1, 150), keys = random.Next(1, 8);
            bool hasLanes = random.Next(2) == 0;
            List<ThievingStore> thieves = [];
            var lab = new CrashLab(random, items);
            lab = new(random, items)
            {
                Key = n => $"{n % keys}",
                Wrap = store => Add(new ThievingStore(store, seed)),
                Options = lab.Options with { LeaseDuration = TimeSpan.FromMilliseconds(100) }
            };
            await PlayAsync(lab, new(seed), items, keys, hasLanes, cancellation);
            thefts += thieves.Sum(thief => thief.Thefts);

            ThievingStore Add(ThievingStore thief)
            {
                thieves.Add(thief);
                return thief;
            }
        });
        Assert.True(thefts > 0, "Nothing was stolen.");
    }

    private static async Task PlayAsync(CrashLab lab, Faults faults, int items, int keys, bool hasLanes, CancellationToken cancellation)
    {
        var ledger = new Ledger();
        await lab.PlayAsync(source =>
        {
            Source<int> checkedOnes = source | faults.Before;
            Source<Sum> sums = hasLanes
                ? checkedOnes | Stage.KeyBy((int n) => $"{n % keys}", lanes: 3) | Sluice.StageNode.Of(() => new RunningSum(faults))
                | Stage.Named("sum")
                : checkedOnes | Sluice.StageNode.Of(() => new RunningSum(faults)) | Stage.Named("sum");
            return sums | faults.After | ledger.Sink<string>();
        }, cancellation);

        var sums = new long[keys];
        List<string> expected = [.. Enumerable.Range(0, items).Where(n => !faults.IsPoison(n))
            .Select(n => $"{n % keys}:{n}:{sums[n % keys] += n}")];
        Assert.True(ByKey(expected) == ByKey(ledger.Lines), $"{lab.End}\nexpected\n{ByKey(expected)}\nactual\n{ByKey(ledger.Lines)}");
        int dead = Enumerable.Range(0, items).Count(faults.IsPoison);
        Assert.Equal((items, items - dead, dead, 0L), (lab.End.Accepted, lab.End.Completed, lab.End.Dead, lab.End.Unaccounted));
    }

    [Fact]
    public Task AScanWithoutKeysIsExactAndInOrder() => CrashLab.PlayAllAsync(40, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 60);
        var faults = new Faults(seed);
        var ledger = new Ledger();
        var lab = new CrashLab(random, items);
        lab = new CrashLab(random, items) { Options = lab.Options with { Stream = new() { Partitions = 1 } } };
        await lab.PlayAsync(source => (source | faults.Before).Scan(new Sum("", 0, 0), static (sum, n) => new("", n, sum.Total + n))
            | Stage.Named("sum") | faults.After | ledger.Sink<string>(), cancellation);

        long sum = 0;
        Assert.Equal(Enumerable.Range(0, items).Where(n => !faults.IsPoison(n) || faults.IsPoisonInside(n)).Select(n => $":{n}:{sum += n}"),
            ledger.Lines);
        Assert.Equal(0, lab.End.Unaccounted);
    });

    [Fact]
    public Task EveryItemIsInOneChunk() => CrashLab.PlayAllAsync(60, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 150), size = random.Next(1, 20);
        var faults = new Faults(seed);
        var ledger = new Ledger();
        var lab = new CrashLab(random, items) { Key = static n => $"{n % 5}" };
        await lab.PlayAsync(source =>
        {
            Source<int> once = (source | faults.Before).Distinct() | Stage.Named("once") | (n => n) | Stage.Buffer(3) | (n => n);
            return once.Chunk(size) | Stage.Named("chunks") | faults.Chunk | ledger.Sink<string>();
        }, cancellation);

        List<int[]> chunks = [.. ledger.Lines.Select(static line => line.Split(',').Select(int.Parse).ToArray())];
        Assert.All(chunks, chunk => Assert.Equal(size, chunk.Length));
        int[] came = [.. chunks.SelectMany(static chunk => chunk).Order()];
        int[] expected = [.. Enumerable.Range(0, items).Where(n => !faults.IsPoisonAtOnce(n))];
        Assert.Equal(came.Distinct(), came);
        Assert.Empty(came.Except(expected));
        Assert.InRange(expected.Length - came.Length, 0, lab.Options.Stream.Partitions * (size - 1));
        Assert.Equal(0, lab.End.Unaccounted);
    });

    private static string ByKey(IEnumerable<string> lines)
        => string.Join('\n', lines.GroupBy(static line => line.Split(':')[0]).OrderBy(static group => group.Key)
        .Select(static group => string.Join(' ', group)));

    internal sealed record Sum(string Key, int Item, long Total);

    private sealed class RunningSum(Faults faults) : StatefulStageNode<int, Sum, long>
    {
        protected override async ValueTask ProcessAsync(int item, Output<Sum> output, CancellationToken cancellation)
        {
            State += item;
            if (item % 3 == 0) await Task.Yield();
            faults.Inside(item);
            await output.PushAsync(new(Key, item, State));
        }
    }

    /// <summary>Fails some items once or twice, and some for ever, in front of the state, in it, or behind it.</summary>
    private sealed class Faults(int seed)
    {
        private readonly ConcurrentDictionary<(int Place, int Item), int> starts = new();

        public bool IsPoison(int item) => Kind(item) is 0 or 1 or 2;

        public bool IsPoisonInside(int item) => Kind(item) == 1;

        public bool IsPoisonAtOnce(int item) => Kind(item) == 0;

        public int Before(int item) => Fail(0, item, item);

        public void Inside(int item) => Fail(1, item, item);

        public string After(Sum sum) => Fail(2, sum.Item, $"{sum.Key}:{sum.Item}:{sum.Total}");

        public string Chunk(int[] items)
        {
            if (Kind(items[0]) == 7 && starts.AddOrUpdate((3, items[0]), 1, static (_, known) => known + 1) <= 2)
                throw new TimeoutException("not now");
            return string.Join(',', items);
        }

        private int Kind(int item) => (int)((uint)HashCode(seed, item) % 40);

        private T Fail<T>(int place, int item, T value)
        {
            int kind = Kind(item);
            if (kind == place) throw new FormatException($"{item} is poison");
            if (kind == place + 3 && starts.AddOrUpdate((place, item), 1, static (_, known) => known + 1) <= 2)
                throw new TimeoutException("not now");
            return value;
        }

        private static int HashCode(int seed, int item)
            => (int)((((uint)seed * 2654435761u) ^ ((uint)item * 2246822519u)) * 3266489917u >> 7);
    }
}
