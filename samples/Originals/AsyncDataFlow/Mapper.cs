using Sluice.Graphs;

namespace Originals.AsyncDataFlow;

/// <summary>The original: amapper gives other names to the arguments of a function, and names to what it returns.</summary>
internal static class Mapper
{
    private static int Foo(int a) => a;

    private static (int, int) Bar(int a) => (a, a * 2);

    private sealed record Outputs(int O1, int O2);

    private static Outputs Baz(int a) => new(a, a * 2);

    public static async Task RunAsync()
    {
        // amapper(foo, input={'a': 'in'}, output='out')
        DataFlow foo = DataFlow.From(DataFlow.Function(Foo).RenameInput("a", "in").RenameOutput("foo", "out"));
        Check.Equal(1, (await foo.RunAsync(new { @in = 1 })).Get<int>("out"), "out");

        // amapper(bar, input={'a': 'in'}, output=('out1', 'out2'))
        DataFlow bar = DataFlow.From(DataFlow.Function(Bar).RenameInput("a", "in").NameOutputs("out1", "out2"));
        await HasBothAsync(bar);

        // amapper(baz, input={'a': 'in'}, output={'o1': 'out1', 'o2': 'out2'})
        DataFlow baz = DataFlow.From(DataFlow.Function(Baz).RenameInput("a", "in").RenameOutput("o1", "out1").RenameOutput("o2", "out2"));
        await HasBothAsync(baz);
    }

    private static async Task HasBothAsync(DataFlow flow)
    {
        DataFlowResult result = await flow.RunAsync(new { @in = 3 });
        Check.Equal((3, 6), (result.Get<int>("out1"), result.Get<int>("out2")), $"what {flow} gives");
    }
}
