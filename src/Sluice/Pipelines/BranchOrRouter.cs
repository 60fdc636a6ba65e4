namespace Sluice;

/// <summary>What may stand in brackets beside a router: a branch, which is a <see cref="Pipe{TIn, TOut}"/>, or the router, made by <see cref="Route.By{TFunction}(TFunction)"/>.</summary>
/// <typeparam name="TIn">The type of what goes into the branches.</typeparam>
/// <typeparam name="TOut">The type of what comes out of them.</typeparam>
public abstract class BranchOrRouter<TIn, TOut>
{
    private protected BranchOrRouter() { }

    /// <summary>A router by names.</summary>
    public static implicit operator BranchOrRouter<TIn, TOut>(Router<Func<TIn, string>> router)
    {
        ArgumentNullException.ThrowIfNull(router);
        return new Chooser(router.Function, null);
    }

    /// <summary>A router by indices.</summary>
    public static implicit operator BranchOrRouter<TIn, TOut>(Router<Func<TIn, int>> router)
    {
        ArgumentNullException.ThrowIfNull(router);
        return new Chooser(null, router.Function);
    }

    /// <summary>What stands in brackets, behind a source.</summary>
    /// <exception cref="ArgumentException">Several routers, no branch, or branches that have no name of their own for a router by names.</exception>
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
