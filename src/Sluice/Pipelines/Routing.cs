namespace Sluice;

/// <summary>Makes routings for the bracket form: <c>source &lt; Route.By(Kind, [orders, refunds]) &gt; Save</c>.</summary>
public static class Route
{
    /// <summary>Items go to the branch whose index the function returns; an index without a branch is an error on that item.</summary>
    /// <param name="index">0 for the first branch.</param>
    /// <param name="branches">At least one.</param>
    public static Routing<T, TOut> By<T, TOut>(Func<T, int> index, params Pipe<T, TOut>[] branches)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(branches);
        return new(index, branches);
    }

    /// <summary>Items go to the branch whose name the function returns; a name without a branch is an error on that item.</summary>
    /// <param name="name">The name of the branch for an item.</param>
    /// <param name="branches">At least one; names are unique.</param>
    /// <exception cref="ArgumentException">Two branches of one name.</exception>
    public static Routing<T, TOut> By<T, TOut>(Func<T, string> name, params (string Name, Pipe<T, TOut> Branch)[] branches)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(branches);
        return new(name, Array.ConvertAll(branches, branch => ((string?)branch.Name, branch.Branch)), otherwise: null);
    }
}

/// <summary>Branches and the function that chooses among them; made by <see cref="Route"/>. Immutable.</summary>
/// <typeparam name="T">The type of what goes in.</typeparam>
/// <typeparam name="TOut">The type of what comes out of every branch.</typeparam>
public sealed class Routing<T, TOut>
{
    internal Routing(Func<T, int> index, Pipe<T, TOut>[] branches)
    {
        Branches = Array.ConvertAll(branches, branch => ((string?)null, branch));
        Operator = new RouteOperator<T>(index, index, item => index(item), $"0 to {branches.Length - 1}", branches.Length);
    }

    internal Routing(Func<T, string> name, (string? Name, Pipe<T, TOut> Pipe)[] branches, Pipe<T, TOut>? otherwise)
    {
        var indices = new Dictionary<string, int>(branches.Length, StringComparer.Ordinal);
        foreach (var (branch, _) in branches)
        {
            if (!indices.TryAdd(branch!, indices.Count))
                throw new ArgumentException($"Two branches are called '{branch}'. An item could go to either.", nameof(branches));
        }
        int rest = otherwise is null ? -1 : branches.Length;
        Branches = otherwise is null ? branches : [.. branches, ("otherwise", otherwise)];
        Operator = new RouteOperator<T>(
            item => name(item) is { } key && indices.TryGetValue(key, out int index) ? index : rest, name, name, string.Join(", ", indices.Keys), Branches.Length);
    }

    internal (string? Name, Pipe<T, TOut> Pipe)[] Branches { get; }

    internal RouteOperator<T> Operator { get; }
}
