using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>The tests that every operator with a user function must pass.</summary>
/// <typeparam name="TOut">The output.</typeparam>
public abstract class FunctionOperatorContract<TOut> : OperatorContract<TOut>
{
    /// <summary>Appends the operator, with a user function that calls <paramref name="touch"/> with each item.</summary>
    protected abstract Source<TOut> Fragile(Source<int> source, Action<int> touch);

    [Theory, CombinatorialWiring]
    public async Task AFailureOfTheUserFunctionNamesNodeAndItem(Wiring wiring)
    {
        List<TOut> seen = [];
        PipelineRun? run = null;
        int produced = 0;
        var failure = await Assert.ThrowsAsync<PipelineException>(() => RunAsync(
            Wire(source => Fragile(source, item => Throw(item == FailsAt)), Source.From(Numbers(at => produced = at + 1)), wiring)
                .ForEach(seen.Add), wiring, started => run = started));
        NodeSnapshot node = NodeOf(run!.Snapshot());
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.Equal(node.Name, failure.Node);
        Assert.Equal(FailsAt, failure.Item);
        Assert.Equal(1, node.Failed);
        AssertBegins(seen, KeepsOrder ? FailsAt : produced);          // any number of other items may have overtaken the failed item
        ItemCounts roots = run.Snapshot().Roots!.Value;
        Assert.Equal(roots.Accepted, roots.Completed + roots.Skipped + roots.Failed + roots.Pending);
        Assert.Equal(1, roots.Failed);
    }
}
