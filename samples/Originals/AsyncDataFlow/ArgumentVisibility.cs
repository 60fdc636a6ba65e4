using Sluice.Graphs;

namespace Originals.AsyncDataFlow;

/// <summary>The original: with 'Initial' the arguments of the flow are visible to all functions, with 'All' the returned values too, with
/// 'None' neither.</summary>
internal static class ArgumentVisibility
{
    private static (int c, int unused) Foo(int a) => (a, 0);

    private static (int e, int unused) Bar(int b, int c) => (b + c, 0);

    private static (int f, int unused) Baz(int e, int c) => (e + c, 0);

    public static async Task RunAsync()
    {
        var parameters = new { a = 1, b = 1 };
        DataFlow dataflow = (DataFlow.From(Foo) | Bar).With(DataFlowVisibility.Initial);
        Check.Equal(2, (await dataflow.RunAsync(parameters)).Get<int>("e"), "e with 'Initial'");

        DataFlow all = (DataFlow.From(Foo) | Bar | Baz).With(DataFlowVisibility.All);
        Check.Equal(3, (await all.RunAsync(parameters)).Get<int>("f"), "f with 'All'");

        // 'None': Bar lacks b. The original skips such a function without a word.
        await Check.ThrowsAsync<DataFlowException>(async () => await dataflow.With(DataFlowVisibility.Stage).RunAsync(parameters),
            "Bar takes b");
    }
}
