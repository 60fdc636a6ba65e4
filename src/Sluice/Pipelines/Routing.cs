using Sluice.Pipelines;

namespace Sluice;

/// <summary>Makes routings, <c>source | Route.By(Kind, ("order", orders), ("refund", refunds)) | Save</c>, and routers, which stand beside
/// branches in brackets: <c>source | [orders, refunds, Route.By(Kind)] | Save</c>.</summary>
public static class Route
{
    /// <summary>Makes a router, which stands in brackets beside the branches among which it chooses:
    /// <c>source | [even, odd, Route.By(Parity)]</c>.</summary>
    /// <remarks>A function that returns text chooses the branch by name. The name of a branch is the name of its first stage: from
    /// <c>Stage.Named</c>, or of its function or node class. A function that returns an <c>int</c> chooses the branch by index, 0 for the
    /// first one. If there is no such branch, the item fails.</remarks>
    /// <typeparam name="TFunction">The type of the function: <c>Func&lt;T, string&gt;</c> or <c>Func&lt;T, int&gt;</c>. Routers of other
    /// types fit nowhere.</typeparam>
    /// <param name="function">The function; a lambda states the type of its parameter.</param>
    public static Router<TFunction> By<TFunction>(TFunction function) where TFunction : Delegate
    {
        ArgumentNullException.ThrowIfNull(function);
        return new(function);
    }

    /// <summary>Makes a routing by index: each item goes to the branch whose index the function returns. If there is no such branch, the
    /// item fails.</summary>
    /// <param name="index">Returns the index of the branch for an item, 0 for the first one.</param>
    /// <param name="branches">At least one.</param>
    public static Routing<T, TOut> By<T, TOut>(Func<T, int> index, params Pipe<T, TOut>[] branches)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(branches);
        return new(index, branches);
    }

    /// <summary>Makes a routing by name: each item goes to the branch whose name the function returns. If there is no such branch, the item
    /// fails.</summary>
    /// <param name="name">Returns the name of the branch for an item.</param>
    /// <param name="branches">At least one; names are unique.</param>
    /// <exception cref="ArgumentException">Two branches have the same name.</exception>
    public static Routing<T, TOut> By<T, TOut>(Func<T, string> name, params (string Name, Pipe<T, TOut> Branch)[] branches)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(branches);
        return new(name, Array.ConvertAll(branches, branch => ((string?)branch.Name, branch.Branch)), otherwise: null);
    }

    /// <summary>Makes a routing by name: each item goes to the branch whose name the function returns, or else to
    /// <paramref name="otherwise"/>.</summary>
    /// <param name="name">Returns the name of the branch for an item.</param>
    /// <param name="otherwise">The branch for all other names.</param>
    /// <param name="branches">The named branches; names are unique.</param>
    /// <exception cref="ArgumentException">Two branches have the same name.</exception>
    public static Routing<T, TOut> By<T, TOut>(Func<T, string> name, Pipe<T, TOut> otherwise,
        params (string Name, Pipe<T, TOut> Branch)[] branches)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(otherwise);
        ArgumentNullException.ThrowIfNull(branches);
        return new(name, Array.ConvertAll(branches, branch => ((string?)branch.Name, branch.Branch)), otherwise);
    }
}

/// <summary>Branches and the function that chooses among them. Made by <see cref="Route"/>. Immutable.</summary>
/// <typeparam name="T">The type of the items that go in.</typeparam>
/// <typeparam name="TOut">The type of the items that come out of every branch.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class Routing<T, TOut>
{
    private const string Otherwise = "otherwise";    // the branch's name in pictures

    internal Routing(Func<T, int> index, Pipe<T, TOut>[] branches)
    {
        Branches = Branch.Unnamed(branches);
        Operator = new(new BranchChoice<T>(index, index, item => index(item), $"0 to {branches.Length - 1}", branches.Length));
    }

    internal Routing(Func<T, string> name, (string? Name, Pipe<T, TOut> Pipe)[] branches, Pipe<T, TOut>? otherwise)
    {
        var indices = new Dictionary<string, int>(branches.Length, StringComparer.Ordinal);
        if (otherwise is not null && Array.Exists(branches, static branch => branch.Name == Otherwise))
            throw new ArgumentException($"A branch is called '{Otherwise}', as the one for all other names is. Give it another name.",
                nameof(branches));
        foreach (var (branch, pipe) in branches)
        {
            if (branch is null || pipe is null) throw new ArgumentException("One of the branches is null, or has no name.",
                nameof(branches));
            if (!indices.TryAdd(branch, indices.Count))
                throw new ArgumentException($"Two branches are called '{branch}'. An item could go to either. Give each a name of its own.",
                    nameof(branches));
        }
        int rest = otherwise is null ? -1 : branches.Length;
        Branches = otherwise is null ? branches : [.. branches, (Otherwise, otherwise)];
        Operator = new(new BranchChoice<T>(item => name(item) is { } key && indices.TryGetValue(key, out int index) ? index : rest, name,
            name, string.Join(", ", indices.Keys), Branches.Length));
    }

    internal (string? Name, Pipe<T, TOut> Pipe)[] Branches { get; }

    internal RouteOperator<T> Operator { get; }
}
