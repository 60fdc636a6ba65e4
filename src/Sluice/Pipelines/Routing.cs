namespace Sluice;

/// <summary>Makes routings: <c>source | Route.By(Kind, ("order", orders), ("refund", refunds)) | Save</c>, and routers that stand beside branches in brackets: <c>source | [orders, refunds, Route.By(Kind)] | Save</c>.</summary>
public static class Route
{
    /// <summary>A router that stands in brackets, beside the branches among which it chooses: <c>source | [even, odd, Route.By(Parity)]</c>.</summary>
    /// <remarks>
    /// A function that returns text names the branch: the branch is called after its first stage, by <c>Stage.Named</c> or the name of its function or node class. A function that returns an <c>int</c> is the index of the branch,
    /// 0 for the first. A name or an index without a branch is an error on that item.
    /// </remarks>
    /// <typeparam name="TFunction">The type of the function: <c>Func&lt;T, string&gt;</c> or <c>Func&lt;T, int&gt;</c>; others fit nowhere.</typeparam>
    /// <param name="function">The function; a lambda states the type of its parameter.</param>
    public static Router<TFunction> By<TFunction>(TFunction function) where TFunction : Delegate
    {
        ArgumentNullException.ThrowIfNull(function);
        return new(function);
    }

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

    /// <summary>Items go to the branch whose name the function returns; those without a branch of their own go to <paramref name="otherwise"/>.</summary>
    /// <param name="name">The name of the branch for an item.</param>
    /// <param name="otherwise">The branch for all other names.</param>
    /// <param name="branches">Names are unique.</param>
    /// <exception cref="ArgumentException">Two branches of one name.</exception>
    public static Routing<T, TOut> By<T, TOut>(Func<T, string> name, Pipe<T, TOut> otherwise, params (string Name, Pipe<T, TOut> Branch)[] branches)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(otherwise);
        ArgumentNullException.ThrowIfNull(branches);
        return new(name, Array.ConvertAll(branches, branch => ((string?)branch.Name, branch.Branch)), otherwise);
    }
}

/// <summary>Branches and the function that chooses among them; made by <see cref="Route"/>. Immutable.</summary>
/// <typeparam name="T">The type of what goes in.</typeparam>
/// <typeparam name="TOut">The type of what comes out of every branch.</typeparam>
public sealed class Routing<T, TOut>
{
    internal Routing(Func<T, int> index, Pipe<T, TOut>[] branches)
    {
        Branches = Branch.Unnamed(branches);
        Operator = new RouteOperator<T>(index, index, item => index(item), $"0 to {branches.Length - 1}", branches.Length);
    }

    internal Routing(Func<T, string> name, (string? Name, Pipe<T, TOut> Pipe)[] branches, Pipe<T, TOut>? otherwise)
    {
        var indices = new Dictionary<string, int>(branches.Length, StringComparer.Ordinal);
        foreach (var (branch, pipe) in branches)
        {
            if (branch is null || pipe is null) throw new ArgumentException("One of the branches is null, or has no name.", nameof(branches));
            if (!indices.TryAdd(branch, indices.Count))
                throw new ArgumentException($"Two branches are called '{branch}'. An item could go to either. Give each a name of its own.", nameof(branches));
        }
        int rest = otherwise is null ? -1 : branches.Length;
        Branches = otherwise is null ? branches : [.. branches, ("otherwise", otherwise)];
        Operator = new RouteOperator<T>(
            item => name(item) is { } key && indices.TryGetValue(key, out int index) ? index : rest, name, name, string.Join(", ", indices.Keys), Branches.Length);
    }

    internal (string? Name, Pipe<T, TOut> Pipe)[] Branches { get; }

    internal RouteOperator<T> Operator { get; }
}
