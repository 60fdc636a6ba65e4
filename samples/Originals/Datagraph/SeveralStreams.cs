using System.Runtime.CompilerServices;
using Sluice;
using Sluice.Flows;

namespace Originals.Datagraph;

/// <summary>The original: three processors are joined by the names of their streams; one reads two streams side by side, pair by
/// pair.</summary>
internal static class SeveralStreams
{
    private static readonly Processor Foo = new("foo") { Inputs = ["a"], Outputs = ["b", "c"] };
    private static readonly Processor Bar = new("bar") { Inputs = ["b", "c"], Outputs = ["d"] };
    private static readonly Processor Foobar = new("foobar") { Inputs = ["a", "b", "c", "d"], Outputs = ["e"] };

    private static async IAsyncEnumerable<IOVal> FooAsync(IO<int> a, [EnumeratorCancellation] CancellationToken cancellation)
    {
        int n = await a.FirstAsync(cancellation);
        yield return IOVal.Of("b", Enumerable.Range(0, n).Sum());
        for (int i = 0; i < n; i++) yield return IOVal.Of("c", i);
    }

    private static async IAsyncEnumerable<IOVal> BarAsync(IO<int> b, IO<int> c, [EnumeratorCancellation] CancellationToken cancellation)
    {
        int sum = await b.FirstAsync(cancellation);
        await foreach (int value in c.StreamAsync(cancellation)) yield return IOVal.Of("d", sum + value);
    }

    private static async IAsyncEnumerable<IOVal> FoobarAsync(IO<int> a, IO<int> b, IO<int> c, IO<int> d,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        int n = await a.FirstAsync(cancellation), sum = await b.FirstAsync(cancellation);
        await foreach (var (left, right) in c.Zip(d, cancellation: cancellation)) yield return IOVal.Of("e", n + sum + left + right);
    }

    public static async Task RunAsync()
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store);
        supervisor.Register(Foo, FooAsync);
        supervisor.Register(Bar, BarAsync);
        supervisor.Register(Foobar, FoobarAsync);

        await using FlowRun run = await supervisor.StartAsync(Flow.From(Foo, Bar, Foobar).Resolve(), [IOVal.Of("a", 4)]);
        Check.Sequence(["e"], run.Outputs, "the results of the flow");
        List<int> values = [];
        await foreach (int value in run.Output<int>("e").StreamAsync()) values.Add(value);
        Check.Sequence([16, 18, 20, 22], values);            // 4 + 6 + i + (6 + i)
    }
}
