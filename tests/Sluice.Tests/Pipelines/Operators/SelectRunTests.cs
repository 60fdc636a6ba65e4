namespace Sluice.Tests.Pipelines.Operators;

public sealed class SelectRunTests : FunctionOperatorContract<int>
{
    protected override string Kind => "map";

    protected override Source<int> Apply(Source<int> source) => source.Select(n => n * 2);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Select(n => n * 2);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 2);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.Select(n =>
    {
        touch(n);
        return n * 2;
    });
}
