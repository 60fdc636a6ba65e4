using Sluice.Graphs;

namespace Sluice.Bench;

/// <summary>A failure that travels through 4,000 steps, each of which awaits the one before; the deepest throws. Time per step.</summary>
internal static class Failing
{
    private static readonly Step<int, long> next = null!;            // set below, behind the scenario that names it

    public static Scenario Scenario { get; } = new("failing", "a failure through 4,000 steps that await each other, per step",
    [
        new("failing", 4_000, 4_000, static count => count,
        [
            Variant.OfTask(Variant.Ours, count => FailAsync(async levels => await next(levels), (int)count)),
            Variant.OfTask("async", count => FailAsync(PlainAsync, (int)count)),
        ]) { WarmCount = 100 },
    ]);

    static Failing() => next = Step.Of((Func<int, Task<long>>)BodyAsync);

    private static async Task<double> FailAsync(Func<int, Task<long>> callAsync, int levels)
    {
        try
        {
            return await callAsync(levels);
        }
        catch (InvalidOperationException)
        {
            return levels;
        }
    }

    private static async Task<long> BodyAsync(int level)
    {
        if (level > 0) return 1 + await next(level - 1);
        await Task.Yield();
        throw new InvalidOperationException();
    }

    // The yield is where a step goes to the pool; without it, plain code overflows the stack.
    private static async Task<long> PlainAsync(int level)
    {
        await Task.Yield();
        if (level > 0) return 1 + await PlainAsync(level - 1);
        throw new InvalidOperationException();
    }
}
