using Sluice.Graphs;

namespace Originals.Aiodag;

/// <summary>The original: a raw task takes how its dependencies have ended, also plain values, and handles a failure itself.</summary>
internal static partial class Raw
{
    [Step]
    private static async Task<int> ProcessAAsync()
    {
        await Task.Yield();
        throw new IOException("no A");
    }

    [Step]
    private static async Task<int> ProcessBAsync()
    {
        await Task.Yield();
        return 10;
    }

    [Step]
    private static async Task<int> ProcessCAsync()
    {
        await Task.Yield();
        return 10;
    }

    [Step]
    private static async Task<int> ConsolidateAsync(Settled<int> a, Settled<int> b, Settled<int> c, Settled<int> d)
    {
        await Task.Yield();
        int first = a.Exception is IOException ? 1 : a.Value;
        return first + b.Value + c.Value + d.Value;
    }

    public static async Task RunAsync()
    {
        var a = ProcessA();
        var b = ProcessB();
        var c = ProcessC();

        Check.Equal(120, await Consolidate(a, b, c, Settled.Of(99)));        // a plain value is an outcome too
    }
}
