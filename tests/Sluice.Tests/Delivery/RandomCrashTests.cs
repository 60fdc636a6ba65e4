using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

/// <summary>Random pipelines whose process dies at random calls of the store: the counts are compared with an oracle that only
/// counts.</summary>
public class RandomCrashTests
{
    [Fact]
    public Task EachAcceptedItemEndsOnceDespiteCrashes() => CrashLab.PlayAllAsync(60, PlayAsync);

    private static async Task PlayAsync(int seed, CancellationToken cancellation)
    {
        var random = new Random(seed);
        int items = random.Next(1, 120);
        var ledger = new Ledger();
        var (build, expect) = new RandomBody(seed).Make();
        var lab = new CrashLab(random, items);
        await lab.PlayAsync(source => build(source) | ledger.Sink<int>(), cancellation);
        Check(items, expect, ledger, lab.End, lab.Letters);
    }

    private static void Check(
        int items, Action<int, Expectation, Action<int>> expect, Ledger ledger, ConsecutorSnapshot end, List<DeadLetter> letters)
    {
        List<string> lines = [];
        int completed = 0, skipped = 0, dead = 0, split = 0;
        for (int n = 0; n < items; n++)
        {
            var expected = new Expectation();
            expect(n, expected, value => expected.Lines.Add($"{value}"));
            if (expected.DiesWhole) dead++;
            else
            {
                lines.AddRange(expected.Lines);
                dead += expected.DeadParts;
                split += Math.Max(0, expected.DeadParts - 1);
                if (expected.DeadParts > 0) continue;
                if (expected.Lines.Count > 0) completed++;
                else skipped++;
            }
        }
        Assert.Equal(0, end.Unaccounted);
        Assert.Equal((items, completed, skipped, dead, split, 0L),
            (end.Accepted, end.Completed, end.Skipped, end.Dead, end.Split, end.Cancelled));
        Assert.Equal(dead, letters.Count);
        Assert.Equal(lines.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
    }
}
