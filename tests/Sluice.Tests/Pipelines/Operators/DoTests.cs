namespace Sluice.Tests.Pipelines.Operators;

public sealed class DoTests : FunctionOperatorContract<int>
{
    protected override string Kind => "do";

    protected override Source<int> Apply(Source<int> source) => source.Do(_ => { });

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Do(_ => { });

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items;

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.Do(touch);

    [Fact]
    public async Task TheActionRunsBeforeTheNextStage()
    {
        List<string> seen = [];
        await Source.From([1, 2]).Do(n => seen.Add($"look {n}")).ForEach(n => seen.Add($"sink {n}")).RunAsync();
        Assert.Equal(["look 1", "sink 1", "look 2", "sink 2"], seen);
    }
}
