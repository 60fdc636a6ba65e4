using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>The outputs of one item are one commit; the outputs of several items may be several commits.</summary>
public class StagingTests
{
    private static readonly Processor Grow = new("grow") { Inputs = ["length"], Outputs = ["text"], Resume = ResumeMode.PerItem };

    [Fact]
    public async Task AValueMayBeLongerThanACommit()
    {
        int[] lengths = [200 << 10, (1 << 20) + 1, 10, 3 << 20, 200 << 10, 600 << 10];
        Assert.Equal(lengths, await RunAsync(lengths, length => [length]));
    }

    [Fact]
    public async Task AnItemMayProduceAlmostAWholeCommitOfValues()
    {
        int[] counts = [200, 990, 40, StoreCommit.MaxItems - 2];
        Assert.Equal(counts.Sum(), (await RunAsync(counts, count => Enumerable.Repeat(1, count))).Count);
    }

    [Fact]
    public async Task AnItemThatProducesMoreThanACommitFailsTheProcessor()
    {
        var failure = await Assert.ThrowsAsync<FlowException>(() => RunAsync([1, StoreCommit.MaxItems],
            count => Enumerable.Repeat(1, count)));
        Assert.Contains("The processor grow of the run", failure.Message, StringComparison.Ordinal);
        Assert.Contains("has put out 999 values", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OutputsOfShortItemsDoNotWaitForALongItem()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var longItem = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Grow, async (IO<int> length, IOWriter<string> text) =>
        {
            await foreach (int item in length.StreamAsync())
            {
                await text.WriteAsync($"{item}");
                if (item == 3) await longItem.Task;
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Grow).Resolve(),
            [.. Enumerable.Range(1, 4).Select(item => IOVal.Of("length", item))], cancellation: FlowLab.Cancellation);
        await using IAsyncEnumerator<string> results = run.Output<string>("text").StreamAsync(FlowLab.Cancellation)
            .GetAsyncEnumerator(FlowLab.Cancellation);
        foreach (string expected in (string[])["1", "2"])
        {
            Assert.True(await results.MoveNextAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
            Assert.Equal(expected, results.Current);
        }
        ValueTask<bool> third = results.MoveNextAsync();
        Assert.False(third.IsCompleted);             // the output of the long item comes when the item ends
        longItem.SetResult();
        Assert.True(await third);
        Assert.Equal("3", results.Current);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static async Task<List<int>> RunAsync(int[] items, Func<int, IEnumerable<int>> put)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Grow, async (IO<int> length, IOWriter<string> text) =>
        {
            await foreach (int item in length.StreamAsync())
                foreach (int one in put(item)) await text.WriteAsync(new string('x', one));
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Grow).Resolve(), [.. items.Select(item => IOVal.Of("length", item))],
            cancellation: FlowLab.Cancellation);
        List<int> lengths = (await FlowLab.ReadAsync(run.Output<string>("text"))).ConvertAll(text => text.Length);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        return lengths;
    }
}
