using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>Makes pipes of branch functions, with or without names, and checks them.</summary>
internal static class Branch
{
    public static (string? Name, Pipe<T, TOut> Pipe)[] Unnamed<T, TOut>(Func<Source<T>, Source<TOut>>[] branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        return Array.ConvertAll(branches, branch => ((string?)null, Pipe<T, TOut>.Of(branch)));
    }

    public static (string? Name, Pipe<T, TOut> Pipe)[] Named<T, TOut>((string Name, Func<Source<T>, Source<TOut>> Branch)[] branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        return Array.ConvertAll(branches, branch => ((string?)branch.Name, Pipe<T, TOut>.Of(branch.Branch)));
    }

    public static (string? Name, Pipe<T, TOut> Pipe)[] Unnamed<T, TOut>(IEnumerable<Pipe<T, TOut>> branches)
        => [.. branches.Select(branch => ((string?)null, branch
        ?? throw new ArgumentNullException(nameof(branches), "One of the branches is null.")))];

    public static Source<TOut> Fan<T, TOut>(this Source<T> source, FanOutOperator<T> fanOut, (string? Name, Pipe<T, TOut> Pipe)[] branches)
    {
        if (branches.Length == 0) throw new ArgumentException($"A {fanOut.Kind} without branches would lose every item.", nameof(branches));
        return new BranchesSource<T, TOut>(source, fanOut, branches, StageOptions.Default);
    }
}
