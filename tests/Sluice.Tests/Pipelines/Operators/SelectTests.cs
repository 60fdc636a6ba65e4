namespace Sluice.Tests.Pipelines.Operators;

public sealed class SelectTests : FunctionOperatorContract<long>
{
    protected override string Kind => "map";

    protected override Source<long> Apply(Source<int> source) => source.Select(n => n * 2L);

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe) => pipe.Select(n => n * 2L);

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 2L);

    protected override Source<long> Fragile(Source<int> source, Action<int> touch) => source.Select(n =>
    {
        touch(n);
        return n * 2L;
    });
}
