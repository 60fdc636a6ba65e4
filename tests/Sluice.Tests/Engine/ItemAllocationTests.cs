using Sluice.Diagnostics;

namespace Sluice.Tests.Engine;

/// <summary>If nothing waits, an item allocates nothing. A node yields its thread after 4,096 pushes: that is a wait.</summary>
public class ItemAllocationTests
{
    private sealed class Twice : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            await output.PushAsync(item);
            await output.PushAsync(-item);
        }
    }

    private sealed class Straight : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(item + 1);
    }

    public static TheoryData<string, Func<Source<int>, Pipeline>> Chains => new()
    {
        { "functions", static source => source | (static n => n + 1) | Pipe.Where<int>(static n => n % 2 == 0) | (static _ => { }) },
        { "nodes", static source => source | StageNode.Of(static () => new Straight()) | StageNode.Of(static () => new Twice())
            | StageNode.Of(static () => new Straight()) | (static _ => { }) },
        { "nodes by key", static source => source | Stage.KeyBy((int n) => n % 7) | StageNode.Of(static () => new Straight())
            | (static _ => { }) },
        { "operators by key", static source => source | Stage.KeyBy((int n) => n % 7) | Pipe.Of<int>().Scan(0, static (sum, n) => sum + n)
            | (static _ => { }) },
        { "an aggregate with a combiner", static source => source.Select(static n => (long)n)
            .Aggregate(0L, static (sum, n) => sum + n, static (sum, other) => sum + other) | (static _ => { }) },
        { "a branch", static source => source | [Pipe.Of<int>().ForEach(static _ => { }), Pipe.Of<int>().ForEach(static _ => { })] },
    };

    [Theory]
    [MemberData(nameof(Chains))]
    public async Task AnItemAllocatesNothing(string name, Func<Source<int>, Pipeline> wire)
    {
        _ = name;
        for (int i = 0; i < 5; i++) await AllocatedAsync(10_000);        // compiled, and buffers are made
        long few = await AllocatedAsync(10_000), many = await AllocatedAsync(40_000);
        Assert.InRange(many - few, long.MinValue, 30_000);               // less than a byte for each item; the smallest object has 24

        async Task<long> AllocatedAsync(int count)
        {
            Pipeline pipeline = wire(Source.From(Enumerable.Range(0, count)));
            long before = GC.GetAllocatedBytesForCurrentThread();
            Task<RunSnapshot> run = pipeline.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
            Assert.True(run.IsCompleted);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            await run;
            return allocated;
        }
    }
}
