using System.Runtime.CompilerServices;
using Sluice;
using Sluice.Flows;

namespace Originals.Datagraph;

/// <summary>The original: a processor that waits starts when its inputs are complete, so a flow can also be a sequence of tasks.</summary>
internal static class WaitingProcessor
{
    private static readonly Processor First = new("first") { Outputs = ["a"] };
    private static readonly Processor Second = new("second") { Inputs = ["a"], Outputs = ["b"], Wait = true };

    private static async IAsyncEnumerable<IOVal> FirstAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        for (int i = 0; i < 10; i++)
        {
            await Task.Yield();
            cancellation.ThrowIfCancellationRequested();
            yield return IOVal.Of("a", i);
        }
    }

    private static async Task<int> SecondAsync(IO<int> a, CancellationToken cancellation)
    {
        int sum = 0;
        await foreach (int value in a.StreamAsync(cancellation)) sum += value;
        return sum;
    }

    public static async Task RunAsync()
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store);
        supervisor.Register(First, FirstAsync);
        supervisor.Register(Second, SecondAsync);

        Flow flow = Flow.From(First, Second).Resolve();
        Check.Equal(2, flow.Plan.Partitions.Count, "the number of partitions");
        await using FlowRun run = await supervisor.StartAsync(flow, []);
        Check.Equal(45, await run.Output<int>("b").FirstAsync());
    }
}
