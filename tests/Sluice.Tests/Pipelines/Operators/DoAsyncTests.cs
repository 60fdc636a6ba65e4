namespace Sluice.Tests.Pipelines.Operators;

public sealed class DoAsyncTests : FunctionOperatorContract<int>
{
    protected override string Kind => "do";

    protected override Source<int> Apply(Source<int> source) => source.DoAsync(LookAsync);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.DoAsync(LookAsync);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items;

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.DoAsync(async (n, _) =>
    {
        await Task.Yield();
        touch(n);
    });

    private static async ValueTask LookAsync(int n, CancellationToken cancellation)
    {
        if (n % 3 == 0) await Task.Yield();
    }
}
