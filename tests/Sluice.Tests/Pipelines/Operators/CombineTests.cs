namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Aggregate with a combiner, without lanes before it.</summary>
public class CombineTests : FunctionOperatorContract<int>
{
    protected override string Kind => "aggregate";

    protected override int? FirstOutputAfter => null;

    protected override Source<int> Apply(Source<int> source) => source.Aggregate(0, (sum, n) => sum + n, (sum, other) => sum + other);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Aggregate(0, (sum, n) => sum + n, (sum, other) => sum + other);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => [items.Sum()];

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.Aggregate(0,
        (sum, n) =>
        {
            touch(n);
            return sum + n;
        },
        (sum, other) => sum + other);
}

/// <summary>Aggregate with a combiner in the lanes of a map.</summary>
public sealed class CombineInLanesTests : FunctionOperatorContract<int>
{
    protected override string Kind => "aggregate";

    protected override int? FirstOutputAfter => null;

    protected override Source<int> Apply(Source<int> source)
        => (source | (n => n) | Stage.Parallel(3)).Aggregate(() => 0, (sum, n) => sum + n, (sum, other) => sum + other);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe)
        => (pipe | (n => n) | Stage.Parallel(3)).Aggregate(() => 0, (sum, n) => sum + n, (sum, other) => sum + other);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => [items.Sum()];

    protected override Source<int> Fragile(Source<int> source, Action<int> touch)
        => (source | (n => n) | Stage.Parallel(3)).Aggregate(0,
        (sum, n) =>
        {
            touch(n);
            return sum + n;
        },
        (sum, other) => sum + other);
}
