namespace Sluice.Tests.Pipelines.Operators;

/// <summary>The operator contract for a fork-join whose branches run on the thread of the stage before them.</summary>
public class ForkJoinContractTests : FunctionOperatorContract<string>
{
    protected override string Kind => "fork-join";

    protected override Source<string> Apply(Source<int> source) => source.ForkJoin(Evens, Copies, Joined);

    protected override Pipe<int, string> Apply(Pipe<int, int> pipe) => pipe.ForkJoin(Evens, Copies, Joined);

    protected override IEnumerable<string> Oracle(IReadOnlyList<int> items)
        => items.Select(static n => Joined(n, n % 2 == 0 ? [n * 10L] : [], Enumerable.Repeat($"c{n}", n % 4).ToArray()));

    protected override Source<string> Fragile(Source<int> source, Action<int> touch) => source.ForkJoin(Evens, Copies, (n, evens, copies) =>
    {
        touch(n);
        return Joined(n, evens, copies);
    });

    // The node counts the outputs of its branches as its inputs.
    protected override (long In, long Out, long Skipped) Counts(IReadOnlyList<int> items)
        => (items.Count(static n => n % 2 == 0) + items.Sum(static n => n % 4), items.Count, 0);

    private protected virtual Source<long> Evens(Source<int> source) => source.Where(static n => n % 2 == 0) | (static n => n * 10L);

    private protected virtual Source<string> Copies(Source<int> source) => source | Copies;

    private protected static IEnumerable<string> Copies(int n) => Enumerable.Repeat($"c{n}", n % 4);

    private static string Joined(int n, IReadOnlyList<long> evens, IReadOnlyList<string> copies)
        => $"{n}: {string.Join(' ', evens)} | {string.Join(' ', copies)}";
}

/// <summary>The operator contract for a fork-join whose branches run on their own and keep the order.</summary>
public sealed class BufferedForkJoinContractTests : ForkJoinContractTests
{
    private protected override Source<long> Evens(Source<int> source)
        => source.Buffer(2).Where(static n => n % 2 == 0) | (static n => n * 10L) | Stage.Buffer(2);

    private protected override Source<string> Copies(Source<int> source) => source | Copies | Stage.Parallel(3) | Stage.Buffer(3);
}

/// <summary>The operator contract for a fork-join whose branches do not keep the order.</summary>
public sealed class UnorderedForkJoinContractTests : ForkJoinContractTests
{
    protected override bool KeepsOrder => false;

    private protected override Source<long> Evens(Source<int> source)
        => source.Where(static n => n % 2 == 0) | Stage.KeyBy((int n) => n % 3, lanes: 2) | (static n => n * 10L);

    private protected override Source<string> Copies(Source<int> source) => source | Copies | Stage.Parallel(3).Unordered;
}
