namespace Sluice.Pipelines;

/// <summary>Chooses the branch for each item of a route.</summary>
/// <remarks>Immutable.</remarks>
/// <param name="branch">The index of the branch for an item; negative for none.</param>
/// <param name="function">The user's function.</param>
/// <param name="key">Returns the user's choice for an item, for the message.</param>
/// <param name="names">The branches, for the message.</param>
/// <param name="count">The number of branches.</param>
internal sealed class BranchChoice<T>(Func<T, int> branch, Delegate function, Func<T, object?> key, string names, int count)
{
    /// <summary>The user's function.</summary>
    public Delegate Function => function;

    /// <summary>The index of the branch for an item.</summary>
    /// <exception cref="KeyNotFoundException">There is no such branch.</exception>
    public int IndexOf(T item)
    {
        int index = branch(item);
        return (uint)index < (uint)count ? index : throw NoBranch(item);
    }

    private KeyNotFoundException NoBranch(T item)
        => new($"there is no branch '{key(item)}'. There are: {names}. Add the branch, or an `otherwise`.");
}
