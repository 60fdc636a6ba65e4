using System.Collections.Concurrent;

namespace Sluice.Tests.Delivery;

/// <summary>Lists with random bad items, in consecutors whose process dies at random calls of the store: each good item comes out once,
/// each bad one is a dead letter of its own.</summary>
public class BisectCrashTests
{
    [Fact]
    public Task BisectingAChunkDeadLettersOnlyItsBadItemsDespiteCrashes() => CrashLab.PlayAllAsync(80, async (seed, cancellation) =>
    {
        var faults = new Faults(seed);
        int items = faults.Random.Next(1, 150), size = faults.Random.Next(1, 40);
        var (lines, siblings) = (new Ledger(), new Ledger());
        CrashLab lab = Lab(faults, items, isKeyed: faults.Random.Next(2) == 0);
        await lab.PlayAsync(source => source.Chunk(size) | Stage.Named("chunks") |
        [
            all => all | faults.Write | Stage.Named("write") | faults.Bisect | (list => list.ToArray()) | Each | lines.Sink<int>("lines"),
            all => all | Each | siblings.Sink<int>("siblings"),
        ], cancellation);
        Check(faults, Enumerable.Range(0, items), lines, lab, n => [n], siblings, items);
    });

    [Fact]
    public Task BisectingAListDeadLettersOnlyItsBadItemsDespiteCrashes() => CrashLab.PlayAllAsync(80, async (seed, cancellation) =>
    {
        var faults = new Faults(seed);
        int items = faults.Random.Next(1, 20), size = faults.Random.Next(1, 30);
        var (lines, siblings) = (new Ledger(), new Ledger());
        CrashLab lab = Lab(faults, items, isKeyed: faults.Random.Next(3) == 0);
        await lab.PlayAsync(source => source |
        [
            all => all | (n => Enumerable.Range(n * size, size).ToList()) | faults.WriteList | Stage.Named("write") | faults.Bisect
                | Stage.Parallel(2) | (list => list.ToArray()) | Each | lines.Sink<int>("lines"),
            all => all | siblings.Sink<int>("siblings"),
        ], cancellation);
        Check(faults, Enumerable.Range(0, items * size), lines, lab, n => Enumerable.Range(n * size, size), siblings, items);
    });

    [Fact]
    public Task BisectingBetweenStatefulStagesDeadLettersOnlyTheBadItems() => CrashLab.PlayAllAsync(80, async (seed, cancellation) =>
    {
        var faults = new Faults(seed);
        int items = faults.Random.Next(1, 40), size = faults.Random.Next(2, 30), keys = faults.Random.Next(1, 5);
        var (lines, before, behind) = (new Ledger(), new Ledger(), new Ledger());
        CrashLab lab = Lab(faults, items, isKeyed: true, n => $"{n % keys}");
        await lab.PlayAsync(source => source | StageNode.Of(() => new Sum()) | Stage.Named("before") |
        [
            all => all | (sum => sum.Item) | (n => Enumerable.Range(n * size, size).ToArray()) | faults.Write | Stage.Named("write")
                | faults.Bisect | (list => list.ToArray()) | Each | StageNode.Of(() => new Sum()) | Stage.Named("behind")
                | [each => each | (sum => sum.Item) | lines.Sink<int>("lines"), each => each | behind.Sink<ItemSum>("behind sums")],
            all => all | before.Sink<ItemSum>("before sums"),
        ], cancellation);
        Check(faults, Enumerable.Range(0, items * size), lines, lab, n => Enumerable.Range(n * size, size));
        CheckSums(before, n => n % keys);
        CheckSums(behind, n => n / size % keys);
        Assert.Equal(Numbers(lines).AsEnumerable(), Sums(behind).Select(static sum => sum.Item).Order());
    });

    private static CrashLab Lab(Faults faults, int items, bool isKeyed, Func<int, string?>? key = null)
    {
        var lab = new CrashLab(faults.Random, items);
        ConsecutorOptions options = lab.Options with { Delivery = DeliveryGuarantee.Replay(faults.Random.Next(6, 9), Backoff.None) };
        return new(faults.Random, items) { IsCompleted = true, Options = options, Key = isKeyed ? key ?? (static n => $"{n % 5}") : null };
    }

    private static void Check(Faults faults, IEnumerable<int> all, Ledger lines, CrashLab lab, Func<int, IEnumerable<int>> parts,
        Ledger? siblings = null, int items = 0)
    {
        int[] good = [.. all.Where(n => !faults.IsBad(n))], bad = [.. all.Where(faults.IsBad)], written = Numbers(lines);
        Assert.Equal((0L, 0L, lab.Letters.Count), (lab.End.Cancelled, lab.End.Unaccounted, (int)lab.End.Dead));
        if (lab.Letters.Exists(static letter => letter.Error.Contains("The process ended", StringComparison.Ordinal)))
        {
            // The process died in the last attempt, while the list ran alone: such a list is not divided.
            Assert.Equal(written.Distinct(), written);
            Assert.Equal(all, written.Concat(lab.Letters.SelectMany(letter => letter.Item is int item ? parts(item)
                : (IEnumerable<int>)letter.Item!)).Order());
            return;
        }
        Assert.Equal(good, written);
        Assert.Equal(bad, lab.Letters.Select(static letter => Assert.Single((IEnumerable<int>)letter.Item!)).Order());
        Assert.All(lab.Letters, static letter => Assert.True(letter.EntersAtNode && letter.Node == "write"));
        if (siblings is not null) Assert.Equal(Enumerable.Range(0, items), Numbers(siblings));
    }

    /// <summary>The state is the sum of the key's items so far, each counted once.</summary>
    private static void CheckSums(Ledger ledger, Func<int, int> keyOf)
    {
        Dictionary<int, long> sums = [];
        foreach ((int item, long sum) in Sums(ledger)) Assert.Equal(sums[keyOf(item)] = sums.GetValueOrDefault(keyOf(item)) + item, sum);
    }

    private static IEnumerable<ItemSum> Sums(Ledger ledger)
        => ledger.Lines.Select(static line => line.Split(' ')).Select(static line => new ItemSum(int.Parse(line[0]), long.Parse(line[1])));

    private static IEnumerable<int> Each(int[] list)
    {
        foreach (int n in list) yield return n;
    }

    private static int[] Numbers(Ledger ledger) => [.. ledger.Lines.Select(int.Parse).Order()];

    private sealed record ItemSum(int Item, long Value)
    {
        public override string ToString() => $"{Item} {Value}";
    }

    private sealed class Sum : StatefulStageNode<int, ItemSum, long>
    {
        protected override ValueTask ProcessAsync(int item, Output<ItemSum> output, CancellationToken cancellation)
        {
            State += item;
            return output.PushAsync(new(item, State));
        }
    }

    /// <summary>Some items are always bad; some lists fail their first attempts.</summary>
    private sealed class Faults(int seed)
    {
        private readonly ConcurrentDictionary<(int, int), int> starts = new();
        private readonly int share = new int[] { 0, 2, 10, 50, 100 }[seed % 5];

        public Random Random { get; } = new(seed);

        /// <summary>Divides a failed list at once, or after its last attempt.</summary>
        public StagePolicy Bisect { get; } = seed % 2 == 0 ? Stage.Bisect : Stage.Bisect.OnError(ErrorPolicy.DeadLetter);

        public bool IsBad(int item) => (int)((((uint)seed * 2654435761u) ^ ((uint)item * 2246822519u)) * 3266489917u >> 7) % 100 < share;

        public int[] Write(int[] list)
        {
            if ((seed % 2 == 0 || list.Length > 1) && (list[0] + list.Length) % 7 == 0
                && starts.AddOrUpdate((list[0], list.Length), 1, static (_, known) => known + 1) <= 2)
                throw new TimeoutException("not now");
            return Array.Exists(list, IsBad) ? throw new FormatException("bad") : list;
        }

        public List<int> WriteList(List<int> list)
        {
            Write([.. list]);
            return list;
        }
    }
}
