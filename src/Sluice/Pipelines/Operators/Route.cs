using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Gives every item to the branch of a name, and merges the outputs of the branches.</summary>
    /// <remarks>If there is no branch of the name, the item fails; the message lists the branches.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="route">Returns the name of the branch for an item.</param>
    /// <param name="branches">At least one branch; names are unique, and all branches have the same output type.</param>
    /// <exception cref="ArgumentException">There is no branch, or two branches have the same name.</exception>
    [AlsoForPipes]
    public static Source<TOut> Route<T, TOut>(
        this Source<T> source, Func<T, string> route, params (string Name, Func<Source<T>, Source<TOut>> Branch)[] branches)
        => NotNull(source).Route(new Routing<T, TOut>(NotNull(route), Branch.Named(branches), otherwise: null));

    /// <summary>Gives every item to one branch, by name; those without a branch of their own go to <paramref name="otherwise"/>.</summary>
    /// <inheritdoc cref="Route{T, TOut}(Source{T}, Func{T, string}, ValueTuple{string, Func{Source{T}, Source{TOut}}}[])"/>
    [AlsoForPipes]
    public static Source<TOut> Route<T, TOut>(
        this Source<T> source, Func<T, string> route, Func<Source<T>, Source<TOut>> otherwise,
        params (string Name, Func<Source<T>, Source<TOut>> Branch)[] branches)
        => NotNull(source).Route(new Routing<T, TOut>(NotNull(route), Branch.Named(branches), Pipe<T, TOut>.Of(otherwise)));

    /// <summary>Gives every item to the next branch in turn, and merges the outputs of the branches.</summary>
    /// <param name="source">The source of the items.</param>
    /// <param name="branches">At least one branch; all have the same output type.</param>
    [AlsoForPipes]
    public static Source<TOut> RoundRobin<T, TOut>(this Source<T> source, params Func<Source<T>, Source<TOut>>[] branches)
        => NotNull(source).Fan(new RoundRobinOperator<T>(), Branch.Unnamed(branches));

    internal static Source<TOut> Route<T, TOut>(this Source<T> source, Routing<T, TOut> routing)
        => source.Fan(NotNull(routing).Operator, routing.Branches);
}

internal sealed class RouteOperator<T>(BranchChoice<T> choice) : FanOutOperator<T>
{
    public override string Kind => "route";

    public override bool Chooses => true;

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => choice.Function;

    public override FanOut<T> Create(StageContext context, Inlet<T>[] branches)
    {
        context.IsOneToOne = true;
        return (Fusions.Routes && context.Run.Options.Following is null
            ? (branches[0] as IRoutedMap<T>)?.TryFuse(context, branches, choice) : null)
            ?? new RouteStage<T>(context, branches, choice);
    }
}

internal sealed class RouteStage<T>(StageContext context, Inlet<T>[] branches, BranchChoice<T> choice) : FanOut<T>(context, branches)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        int index;
        try
        {
            index = choice.IndexOf(item);
        }
        catch (Exception e)
        {
            Context.GiveUp(e, item, ticket);
            return default;
        }
        return Branches[index].PushAsync(item, ticket);
    }
}

internal sealed class RoundRobinOperator<T> : FanOutOperator<T>
{
    public override string Kind => "round-robin";

    public override string StartsAnew => "remembers which branch is next";

    public override bool LetsFailuresThrough => true;

    public override FanOut<T> Create(StageContext context, Inlet<T>[] branches) => new RoundRobinStage<T>(context, branches);
}

internal sealed class RoundRobinStage<T>(StageContext context, Inlet<T>[] branches) : FanOut<T>(context, branches)
{
    private int next;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        Inlet<T> branch = Branches[next];
        if (++next == Branches.Length) next = 0;
        Context.Out++;
        return branch.PushAsync(item, ticket);
    }
}
