namespace Sluice.Tests.Pipelines.Operators;

public sealed class SelectAsyncTests : FunctionOperatorContract<long>
{
    protected override string Kind => "map";

    protected override Source<long> Apply(Source<int> source) => source.SelectAsync(TwiceAsync);

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe) => pipe.SelectAsync(TwiceAsync);

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 2L);

    protected override Source<long> Fragile(Source<int> source, Action<int> touch) => source.SelectAsync(async (n, _) =>
    {
        await Task.Yield();
        touch(n);
        return n * 2L;
    });

    private static async ValueTask<long> TwiceAsync(int n, CancellationToken cancellation)
    {
        if (n % 3 == 0) await Task.Yield();
        return n * 2L;
    }
}
