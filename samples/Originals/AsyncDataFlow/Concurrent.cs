using Sluice.Graphs;

namespace Originals.AsyncDataFlow;

/// <summary>The original: functions in a nested tuple run at the same time, and what they return is merged; a tuple inside that one is a
/// sequence again.</summary>
internal static class Concurrent
{
    private static async Task<int> FooAsync(int a)
    {
        await Task.Yield();
        return a;
    }

    private static async Task<int> BarAsync(int a)
    {
        await Task.Yield();
        return a * 2;
    }

    private static int Merge(int foo, int bar) => foo + bar;

    private static int Next(int foo) => foo + 1;

    private static int Sum(int next, int bar) => next + bar;

    public static async Task RunAsync()
    {
        DataFlow dataflow = [[FooAsync, BarAsync], [Merge]];
        DataFlowResult result = await dataflow.RunAsync(new { a = 1 });
        Check.Equal(3, result.Get<int>("merge"), "merge");
        Check.Equal("(FooAsync, BarAsync) | Merge", dataflow.ToString());

        // The results of the inner sequence count. The original loses them.
        DataFlow nested = DataFlow.From(DataFlow.From(FooAsync) | Next, BarAsync) | Sum;
        Check.Equal(4, (await nested.RunAsync(new { a = 1 })).Get<int>("sum"), "sum");
    }
}
