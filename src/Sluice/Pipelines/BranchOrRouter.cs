namespace Sluice;

/// <summary>An element in brackets with a router: a branch, which is a <see cref="Pipe{TIn, TOut}"/>, or the router, made by
/// <see cref="Route.By{TFunction}(TFunction)"/>.</summary>
/// <typeparam name="TIn">The type of the items that go into the branches.</typeparam>
/// <typeparam name="TOut">The type of the items that come out of the branches.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class BranchOrRouter<TIn, TOut>
{
    private protected BranchOrRouter() { }

    /// <summary>Converts a router that returns the name of a branch.</summary>
    public static implicit operator BranchOrRouter<TIn, TOut>(Router<Func<TIn, string>> router)
    {
        ArgumentNullException.ThrowIfNull(router);
        return new Chooser(router.Function, null);
    }

    /// <summary>Converts a router that returns the index of a branch, from 0.</summary>
    public static implicit operator BranchOrRouter<TIn, TOut>(Router<Func<TIn, int>> router)
    {
        ArgumentNullException.ThrowIfNull(router);
        return new Chooser(null, router.Function);
    }

    /// <summary>Puts the branches, and the router if there is one, behind a source.</summary>
    /// <exception cref="ArgumentException">There are several routers; or there is no branch; or a router by names stands beside a branch
    /// without a name.</exception>
    internal static Source<TOut> After(Source<TIn> source, BranchOrRouter<TIn, TOut>[] branches)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(branches);
        foreach (BranchOrRouter<TIn, TOut> each in branches) ArgumentNullException.ThrowIfNull(each, nameof(branches));
        Pipe<TIn, TOut>[] pipes = [.. branches.OfType<Pipe<TIn, TOut>>()];
        return Router.After(source, pipes, [.. branches.OfType<Chooser>().Select(chooser => (chooser.Name, chooser.Index))]);
    }

    private sealed class Chooser(Func<TIn, string>? name, Func<TIn, int>? index) : BranchOrRouter<TIn, TOut>
    {
        public Func<TIn, string>? Name => name;

        public Func<TIn, int>? Index => index;
    }
}
