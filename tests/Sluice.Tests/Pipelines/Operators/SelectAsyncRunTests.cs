namespace Sluice.Tests.Pipelines.Operators;

public sealed class SelectAsyncRunTests : FunctionOperatorContract<int>
{
    protected override string Kind => "map";

    protected override Source<int> Apply(Source<int> source) => source.SelectAsync(TwiceAsync);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.SelectAsync(TwiceAsync);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 2);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.SelectAsync(async (n, _) =>
    {
        await Task.Yield();
        touch(n);
        return n * 2;
    });

    private static async ValueTask<int> TwiceAsync(int n, CancellationToken cancellation)
    {
        if (n % 3 == 0) await Task.Yield();
        return n * 2;
    }
}
