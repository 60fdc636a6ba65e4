using System.Runtime.CompilerServices;
using Sluice.Flows;

namespace Sluice.Programs;

/// <summary>Three processors that a flow may have in C# and in Python, in any combination: both do the same.</summary>
public static class Combined
{
    /// <summary>0 to n - 1.</summary>
    public static Processor Count(string where) => new($"count-{where}") { Inputs = ["n"], Outputs = ["a"] };

    /// <summary>Their sum.</summary>
    public static Processor Sum(string where) => new($"sum-{where}") { Inputs = ["a"], Outputs = ["b"], Wait = true };

    /// <summary>Each of them with the sum, which there is only once.</summary>
    public static Processor Pair(string where) => new($"pair-{where}")
    {
        Inputs = ["a", "b"],
        Outputs = ["c"],
        Resume = ResumeMode.PerItem
    };

    /// <summary>The processors with their functions in C#.</summary>
    public static void AddTo(ProcessorFunctions functions, string where)
    {
        functions.Add(Count(where), CountAsync);
        functions.Add(Sum(where), SumAsync);
        functions.Add(Pair(where), PairAsync);
    }

    private static async IAsyncEnumerable<IOVal> CountAsync(IO<int> n, [EnumeratorCancellation] CancellationToken cancellation)
    {
        int count = await n.FirstAsync(cancellation);
        for (int i = 0; i < count; i++) yield return IOVal.Of("a", i);
    }

    private static async Task SumAsync(IO<int> a, IOWriter<int> b, CancellationToken cancellation)
    {
        int sum = 0;
        await foreach (int value in a.StreamAsync(cancellation)) sum += value;
        await b.WriteAsync(sum, cancellation);
    }

    private static async Task PairAsync(IO<int> a, IO<int> b, IOWriter<string> c, CancellationToken cancellation)
    {
        await foreach (var (value, sum) in a.Zip(b, pad: true, cancellation)) await c.WriteAsync($"{value}-{sum}", cancellation);
    }
}
