using Sluice.Graphs;

namespace Sluice.Bench;

/// <summary>
/// Very many steps, where recursion or a list that is scanned would fail: a chain in which each takes the one before, and many that take
/// the same one. The whole graph is built before it starts. Time per node, against graphs of 1,000 nodes.
/// </summary>
internal static class Deep
{
    private const int Small = 1_000;

    private static readonly Step<long, long> Next = Step.Of((long n) => (n & 0xFFFF) + 1);
    private static readonly Step<long, long, long> Add = Step.Of((long one, long number) => one + (number & 0xFFFF));

    public static Scenario Scenario { get; } = new("deep", "a chain of 100,000 steps, and 100,000 dependents of one, per node",
    [
        Compare("deep-chain", ChainAsync, ExpectedOfChain),
        Compare("deep-wide", WideAsync, ExpectedOfWide),
    ]);

    private static Comparison Compare(string name, Func<int, Task<double>> run, Func<int, double> expected)
        => new(name, 100_000, 100_000, count => expected((int)count),
    [
        Variant.OfTask(Variant.Ours, count => run((int)count)),
        Variant.OfTask("thousand", async count =>
        {
            double wrong = 0;                        // the same number of nodes, in graphs of 1,000; each is checked
            for (long done = 0; done < count; done += Small) wrong += Math.Abs(await run(Small) - expected(Small));
            return expected((int)count) + wrong;
        }),
    ])
        { WarmCount = Small };

    private static async Task<double> ChainAsync(int count)
    {
        var go = new TaskCompletionSource<long>();
        Future<long> last = Next(go.Task);
        for (int i = 1; i < count; i++) last = Next(last);
        go.SetResult(0);
        return await last;
    }

    private static double ExpectedOfChain(int count)
    {
        long n = 0;
        for (int i = 0; i < count; i++) n = (n & 0xFFFF) + 1;
        return n;
    }

    private static async Task<double> WideAsync(int count)
    {
        var go = new TaskCompletionSource<long>();
        Future<long> one = Next(go.Task);
        var all = new Future<long>[count];
        for (int i = 0; i < count; i++) all[i] = Add(one, i);
        go.SetResult(0);
        double sum = 0;
        foreach (long value in await Future.WhenAll(all)) sum += value;
        return sum;
    }

    private static double ExpectedOfWide(int count)
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += 1 + (i & 0xFFFF);
        return sum;
    }
}
