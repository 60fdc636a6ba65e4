namespace Sluice.Tests.Pipelines.Operators;

public sealed class ParallelTests : FunctionOperatorContract<long>
{
    protected override string Kind => "map";

    protected override Source<long> Apply(Source<int> source) => source.SelectAsync(TwiceAsync) | Stage.Parallel(4);

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe) => pipe.SelectAsync(TwiceAsync) | Stage.Parallel(4);

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 2L);

    protected override Source<long> Fragile(Source<int> source, Action<int> touch) => source.Select(n =>
    {
        touch(n);
        return n * 2L;
    }) | Stage.Parallel(4);

    internal static async ValueTask<long> TwiceAsync(int n, CancellationToken cancellation)
    {
        for (int i = n % 4; i > 0; i--) await Task.Yield();
        return n * 2L;
    }
}

public sealed class ParallelUnorderedTests : FunctionOperatorContract<long>
{
    protected override string Kind => "map";

    protected override bool KeepsOrder => false;

    protected override Source<long> Apply(Source<int> source) => source.SelectAsync(ParallelTests.TwiceAsync) | Stage.Parallel(4).Unordered;

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe)
        => pipe.SelectAsync(ParallelTests.TwiceAsync) | Stage.Parallel(4).Unordered;

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 2L);

    protected override Source<long> Fragile(Source<int> source, Action<int> touch) => source.Select(n =>
    {
        touch(n);
        return n * 2L;
    }) | Stage.Parallel(4).Unordered;
}
