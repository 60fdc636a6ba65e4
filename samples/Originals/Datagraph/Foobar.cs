using System.Runtime.CompilerServices;
using Sluice;
using Sluice.Flows;

namespace Originals.Datagraph;

/// <summary>The original: a processor takes the first value of a stream and a dependency, and puts values into another stream; the starter
/// reads them as they are made.</summary>
internal static class Foobar
{
    private static readonly Processor Processor = new("foobar") { Inputs = ["foo"], Outputs = ["bar"] };

    private static int GetMultiplier() => 2;

    private static async IAsyncEnumerable<IOVal> MultiplyAsync(
        IO<int> foo, [Depends(nameof(GetMultiplier))] int multiplier, [EnumeratorCancellation] CancellationToken cancellation)
    {
        int n = await foo.FirstAsync(cancellation);
        for (int i = 0; i < n; i++) yield return IOVal.Of("bar", i * multiplier);
    }

    public static async Task RunAsync()
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store);
        supervisor.Register(Processor, MultiplyAsync);

        Flow flow = Flow.From(Processor);
        flow.Resolve();
        await using FlowRun run = await supervisor.StartAsync(flow, [IOVal.Of("foo", 5)]);

        List<int> values = [];
        await foreach (int value in run.Output<int>("bar").StreamAsync()) values.Add(value);
        Check.Sequence([0, 2, 4, 6, 8], values);
    }
}
