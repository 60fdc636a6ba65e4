using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>The example of the specification, from end to end on the memory store.</summary>
public class FoobarTests
{
    private static readonly Processor Foobar = new("foobar") { Inputs = ["foo"], Outputs = ["bar"] };
    private static readonly Processor Total = new("total") { Inputs = ["bar"], Outputs = ["sum"], Wait = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheFoobarExampleGivesItsValuesAndTheirSum()
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store);
        supervisor.Register(Foobar, MultiplyAsync);
        supervisor.Register(Total, SumAsync);

        await using FlowRun run = await supervisor.StartAsync(Flow.From(Foobar, Total).Resolve(), [IOVal.Of("foo", 5)], allOutputs: true,
            cancellation: Cancellation);
        List<int> values = [];
        await foreach (int value in run.Output<int>("bar").StreamAsync(Cancellation)) values.Add(value);

        Assert.Equal([0, 2, 4, 6, 8], values);
        Assert.Equal(20, await run.Output<int>("sum").FirstAsync(Cancellation));
        await run.Completion.WaitAsync(Cancellation);
        Assert.Equal(FlowStatus.Completed, (await run.GetStatusAsync(Cancellation)).Status);
    }

    private static async IAsyncEnumerable<IOVal> MultiplyAsync(IO<int> foo, [EnumeratorCancellation] CancellationToken cancellation,
        int multiplier = 2)
    {
        int n = await foo.FirstAsync(cancellation);
        for (int i = 0; i < n; i++) yield return IOVal.Of("bar", i * multiplier);
    }

    private static async Task SumAsync(IO<int> bar, IOWriter<int> sum, CancellationToken cancellation)
    {
        int result = 0;
        await foreach (int value in bar.StreamAsync(cancellation)) result += value;
        await sum.WriteAsync(result, cancellation);
    }
}
