using Sluice.Graphs;

namespace Originals.AsyncDataFlow;

/// <summary>The original: the names in the dictionary that a function returns are the arguments of the next one.</summary>
internal static class FooBar
{
    private sealed record Result(int E);

    private static async Task<(int c, int d)> FooAsync(int a, int b)
    {
        await Task.Yield();
        return (a, b);
    }

    private static async Task<Result> BarAsync(int c, int d)
    {
        await Task.Yield();
        return new Result(c + d);
    }

    public static async Task RunAsync()
    {
        DataFlow dataflow = DataFlow.From(FooAsync) | BarAsync;
        DataFlowResult result = await dataflow.RunAsync(new { a = 1, b = 1 });

        Check.Equal(2, result.Get<int>("e"));
    }
}
