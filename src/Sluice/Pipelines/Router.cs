using Sluice.Pipelines;

namespace Sluice;

/// <summary>A function that chooses among the branches beside it in brackets: <c>source | [even, odd, Route.By(Parity)] | Save</c>. Made by
/// <see cref="Route.By{TFunction}(TFunction)"/>.</summary>
/// <remarks>Immutable and thread-safe; use it any number of times.</remarks>
/// <typeparam name="TFunction">The type of the function, <c>Func&lt;T, string&gt;</c> or <c>Func&lt;T, int&gt;</c>.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class Router<TFunction> where TFunction : Delegate
{
    internal Router(TFunction function) => Function = function;

    internal TFunction Function { get; }
}

/// <summary>Puts branches, and the router beside them if there is one, behind a source.</summary>
internal static class Router
{
    public static Source<TOut> After<T, TOut>(Source<T> source, Pipe<T, TOut>[] branches,
        (Func<T, string>? Name, Func<T, int>? Index)[] routers)
    {
        if (routers is []) return source.Fan(new BroadcastOperator<T>(), Branch.Unnamed(branches));
        if (routers is not [var router]) throw new ArgumentException(
            $"There are {routers.Length} routers in one pair of brackets, and an item could go to either. Put one router there, which may "
                + $"call several functions.");
        if (branches is []) throw new ArgumentException(
            "There is a router in brackets, and no branch beside it: it would lose every item.");
        return source.Route(router.Index is { } index ? Route.By(index, branches) : Route.By(router.Name!, [.. branches.Select(Named)]));
    }

    private static (string Name, Pipe<T, TOut> Branch) Named<T, TOut>(Pipe<T, TOut> branch, int index)
        => (branch.FirstName ?? throw new ArgumentException(
            $"Branch {index + 1} in brackets has no name that a router could return: its first stage is none with a name. Name it, '| "
                + $"Stage.Named(\"even\")' behind its first stage; "
            + "or name the branches, Route.By(function, (\"even\", branch), …); or let the function return the index of the branch."),
            branch);
}
