using Sluice.Graphs;

namespace Originals.AsyncDataFlow;

/// <summary>The original: functions are registered under one name, and a key chooses one of them where the flow is defined.</summary>
internal static class Dispatch
{
    private static (int b, int unused) Bar(int a) => (a + 1, 0);

    private static (int c, int unused) Baz(int b) => (b * 10, 0);

    public static async Task RunAsync()
    {
        // At the definition: foo["bar"], foo["baz"].
        DataFlowFunction foo = DataFlow.Dispatch("foo", ("bar", Bar), ("baz", Baz));
        DataFlow dataflow = DataFlow.From(foo["bar"]) | foo["baz"];
        Check.Equal(20, (await dataflow.RunAsync(new { a = 1 })).Get<int>("c"), "c");

        // In each run, a value chooses.
        DataFlow chosen = DataFlow.From(DataFlow.Dispatch("load", "kind", ("one", (int a) => a), ("ten", (int a) => a * 10)));
        Check.Equal(5, (await chosen.RunAsync(new { kind = "one", a = 5 })).Get<int>("load"), "load of one");
        Check.Equal(50, (await chosen.RunAsync(new { kind = "ten", a = 5 })).Get<int>("load"), "load of ten");
        await Check.ThrowsAsync<Exception>(async () => await chosen.RunAsync(new { kind = "two", a = 5 }), "two");
    }
}
