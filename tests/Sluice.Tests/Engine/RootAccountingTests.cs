using Sluice.Diagnostics;

namespace Sluice.Tests.Engine;

/// <summary>The outcomes that the run counts for root items in special cases.</summary>
public class RootAccountingTests
{
    private static readonly RunOptions Tracked = new() { Mode = ExecutionMode.SingleThread, TrackItems = true };

    [Fact]
    public async Task ARootWhosePartsAreAllFilteredOutIsSkipped()
    {
        Pipeline pipeline = Source.From([1, 2, 3])
            .SelectMany(n => new[] { n, n })
            .SelectMany(n => n == 2 ? Array.Empty<int>() : [n])
            .ForEach(_ => { });
        RunSnapshot end = await pipeline.RunAsync(Tracked);
        Assert.Equal(new ItemCounts(3, 2, 1, 0, 0), end.Roots);
    }

    [Fact]
    public async Task ARootWhosePushedItemsAreAllFilteredOutIsSkipped()
    {
        Pipeline pipeline = (Source.From([1, 2, 3]) | StageNode.Of(() => new Twice()))
            .SelectMany(n => n == 2 ? Array.Empty<int>() : [n])
            .ForEach(_ => { });
        RunSnapshot end = await pipeline.RunAsync(Tracked);
        Assert.Equal(new ItemCounts(3, 2, 1, 0, 0), end.Roots);
    }

    private sealed class Twice : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            await output.PushAsync(item);
            await output.PushAsync(item);
        }
    }
}
