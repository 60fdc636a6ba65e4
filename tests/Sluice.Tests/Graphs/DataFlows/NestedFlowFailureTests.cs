using Sluice.Graphs;

namespace Sluice.Tests.Graphs.DataFlows;

/// <summary>An error of a flow inside of a function is a failure of that function, and not an error of the flow around it.</summary>
public class NestedFlowFailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static int Count(string table) => table.Length;

    private static Dictionary<string, object> Give(int n) => new() { ["given"] = n };

    private static Dictionary<string, int> Twice(int n) => new() { ["a"] = 1, ["A"] = n };

    private static int Need(string needed) => needed.Length;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFunctionThatRunsAFlowWithWrongParametersHasFailed(bool reflected)
    {
        async Task<int> OuterAsync(int n)
            => (await DataFlow.From(Count).RunAsync(new { tabel = "orders", n }, Cancellation)).Get<int>("count");
        var failure = await FailsAsync<NodeFailedException>(DataFlow.From(OuterAsync), 1, reflected);
        Assert.Equal("OuterAsync", failure.Node);
        Assert.IsType<DataFlowException>(failure.InnerException);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnErrorThatComesOutOfARunOfTheSameFlowIsAFailureOfTheFunction(bool reflected)
    {
        DataFlow? flow = null;
        async Task<Dictionary<string, object>> AgainAsync(int n)
        {
            if (n > 0) await flow!.RunAsync(new { n = n - 1 }, Cancellation);
            return new() { ["given"] = n };
        }

        flow = DataFlow.From(AgainAsync) | Need;
        if (reflected) flow = flow.Reflected();
        var own = await Assert.ThrowsAsync<DataFlowException>(async () => await flow.RunAsync(new { n = 0 }, Cancellation));
        Assert.StartsWith("Need takes needed as string", own.Message, StringComparison.Ordinal);
        var failure = await Assert.ThrowsAsync<NodeFailedException>(async () => await flow.RunAsync(new { n = 1 }, Cancellation));
        Assert.Equal(("AgainAsync", own.Message), (failure.Node, failure.InnerException!.Message));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AConflictInTheResultOfAnotherGraphIsAFailureOfTheFunction(bool reflected)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("d", n => new Dictionary<string, int> { ["a"] = 1, ["A"] = n });
        Graph<int> graph = builder.Build();
        async Task<int> MergeAsync(int n) => (await graph.ResolveAsync(n, Cancellation)).Merged.Count;
        var failure = await FailsAsync<NodeFailedException>(DataFlow.From(MergeAsync), 2, reflected);
        Assert.Equal("MergeAsync", failure.Node);
        Assert.IsType<MergeConflictException>(failure.InnerException);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnErrorOfTheFlowItselfComesAsItIs(bool reflected)
    {
        await FailsAsync<DataFlowException>(DataFlow.From(Twice), 2, reflected);
        await FailsAsync<DataFlowException>(DataFlow.From(Give) | Need, 2, reflected);
        await FailsAsync<DataFlowException>(DataFlow.From(DataFlow.Dispatch("chosen", "n", ("1", Give))), 2, reflected);
        await FailsAsync<MergeConflictException>(DataFlow.From(Give, DataFlow.Function((int n) => new Dictionary<string, object>
        {
            ["given"] = n + 1,
        }).Named("other")), 2, reflected);
    }

    private static async Task<T> FailsAsync<T>(DataFlow flow, int n, bool reflected) where T : Exception
        => await Assert.ThrowsAsync<T>(async () => await (reflected ? flow.Reflected() : flow).RunAsync(new { n }, Cancellation));
}
