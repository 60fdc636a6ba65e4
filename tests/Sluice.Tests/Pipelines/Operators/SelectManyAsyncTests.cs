namespace Sluice.Tests.Pipelines.Operators;

public sealed class SelectManyAsyncTests : FunctionOperatorContract<int>
{
    protected override string Kind => "many";

    protected override int? FirstOutputAfter => 2;

    protected override int MostHeld => 60;

    protected override Source<int> Apply(Source<int> source) => source.SelectManyAsync(CopiesAsync);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.SelectManyAsync(CopiesAsync);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.SelectMany(n => Enumerable.Repeat(n, n % 3));

    protected override Source<int> Fragile(Source<int> source, Action<int> touch)
        => source.SelectManyAsync((n, token) => TouchAsync(n, touch, token));

    private static async IAsyncEnumerable<int> CopiesAsync(int n,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        for (int i = 0; i < n % 3; i++)
        {
            if (i == 1) await Task.Yield();
            yield return n;
        }
    }

    private static async IAsyncEnumerable<int> TouchAsync(
        int n, Action<int> touch, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Yield();
        touch(n);
        await foreach (int copy in CopiesAsync(n, cancellation)) yield return copy;
    }
}
