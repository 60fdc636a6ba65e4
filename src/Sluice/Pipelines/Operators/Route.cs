using System.Runtime.CompilerServices;

namespace Sluice;

public static partial class Operators
{
    /// <summary>Gives every item to one branch, by name, and merges what comes out of the branches.</summary>
    /// <remarks>A name for which there is no branch is an error on that item; it names the branches there are.</remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="route">The name of the branch for an item.</param>
    /// <param name="branches">At least one; names are unique; one output type.</param>
    /// <exception cref="ArgumentException">No branch, or two of one name.</exception>
    public static Source<TOut> Route<T, TOut>(
        this Source<T> source, Func<T, string> route, params (string Name, Func<Source<T>, Source<TOut>> Branch)[] branches)
        => NotNull(source).Route(new Routing<T, TOut>(NotNull(route), Branch.Named(branches), otherwise: null));

    /// <summary>Gives every item to one branch, by name; those without a branch of their own go to <paramref name="otherwise"/>.</summary>
    /// <inheritdoc cref="Route{T, TOut}(Source{T}, Func{T, string}, ValueTuple{string, Func{Source{T}, Source{TOut}}}[])"/>
    public static Source<TOut> Route<T, TOut>(
        this Source<T> source, Func<T, string> route, Func<Source<T>, Source<TOut>> otherwise,
        params (string Name, Func<Source<T>, Source<TOut>> Branch)[] branches)
        => NotNull(source).Route(new Routing<T, TOut>(NotNull(route), Branch.Named(branches), Pipe<T, TOut>.Of(otherwise)));

    /// <summary>Gives every item to the next branch in turn, and merges what comes out of the branches.</summary>
    /// <param name="source">What to go on from.</param>
    /// <param name="branches">At least one; one output type.</param>
    public static Source<TOut> RoundRobin<T, TOut>(this Source<T> source, params Func<Source<T>, Source<TOut>>[] branches)
        => NotNull(source).Fan(new RoundRobinOperator<T>(), Branch.Unnamed(branches));

    /// <inheritdoc cref="Route{T, TOut}(Source{T}, Func{T, string}, ValueTuple{string, Func{Source{T}, Source{TOut}}}[])"/>
    public static Pipe<TIn, TOut> Route<TIn, T, TOut>(
        this Pipe<TIn, T> pipe, Func<T, string> route, params (string Name, Func<Source<T>, Source<TOut>> Branch)[] branches)
        => NotNull(pipe).Then(source => source.Route(route, branches));

    /// <inheritdoc cref="Route{T, TOut}(Source{T}, Func{T, string}, Func{Source{T}, Source{TOut}}, ValueTuple{string, Func{Source{T}, Source{TOut}}}[])"/>
    public static Pipe<TIn, TOut> Route<TIn, T, TOut>(
        this Pipe<TIn, T> pipe, Func<T, string> route, Func<Source<T>, Source<TOut>> otherwise,
        params (string Name, Func<Source<T>, Source<TOut>> Branch)[] branches)
        => NotNull(pipe).Then(source => source.Route(route, otherwise, branches));

    /// <inheritdoc cref="RoundRobin{T, TOut}(Source{T}, Func{Source{T}, Source{TOut}}[])"/>
    public static Pipe<TIn, TOut> RoundRobin<TIn, T, TOut>(this Pipe<TIn, T> pipe, params Func<Source<T>, Source<TOut>>[] branches)
        => NotNull(pipe).Then(source => source.RoundRobin(branches));

    internal static Source<TOut> Route<T, TOut>(this Source<T> source, Routing<T, TOut> routing)
        => source.Fan(NotNull(routing).Operator, routing.Branches);

    internal static Pipe<TIn, TOut> Route<TIn, T, TOut>(this Pipe<TIn, T> pipe, Routing<T, TOut> routing)
        => pipe.Then(source => source.Route(routing));
}

/// <param name="branch">The index of the branch for an item; negative for none.</param>
/// <param name="function">The user's function.</param>
/// <param name="key">What the user's function says of an item, for the message.</param>
/// <param name="names">The branches, for the message.</param>
/// <param name="count">How many branches there are.</param>
internal sealed class RouteOperator<T>(Func<T, int> branch, Delegate function, Func<T, object?> key, string names, int count) : FanOutOperator<T>
{
    public override string Kind => "route";

    public override bool Chooses => true;

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => function;

    public override FanOut<T> Create(StageContext context, Inlet<T>[] branches)
    {
        context.IsOneToOne = true;
        return (context.Run.Options.Following is null ? (branches[0] as IRoutedMap<T>)?.TryFuse(context, branches, this) : null) ?? new RouteStage<T>(context, branches, this);
    }

    /// <summary>The index of the branch for an item.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public int IndexOf(T item)
    {
        int index = branch(item);
        return (uint)index < (uint)count ? index : throw NoBranch(item);
    }

    private KeyNotFoundException NoBranch(T item)
        => new($"there is no branch '{key(item)}'. There are: {names}. Add the branch, or an `otherwise`.");
}

internal sealed class RouteStage<T>(StageContext context, Inlet<T>[] branches, RouteOperator<T> route) : FanOut<T>(context, branches)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        int index;
        try
        {
            index = route.IndexOf(item);
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
