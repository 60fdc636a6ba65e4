namespace Sluice.Tests.Pipelines.Operators;

public sealed class SelectManyTests : FunctionOperatorContract<int>
{
    protected override string Kind => "many";

    protected override int? FirstOutputAfter => 2;

    protected override int MostHeld => 60;

    protected override Source<int> Apply(Source<int> source) => source.SelectMany(Copies);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.SelectMany(Copies);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.SelectMany(Copies);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.SelectMany(n =>
    {
        touch(n);
        return Copies(n);
    });

    private static IEnumerable<int> Copies(int n) => Enumerable.Repeat(n, n % 3);
}
