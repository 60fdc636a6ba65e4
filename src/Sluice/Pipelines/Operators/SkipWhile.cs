namespace Sluice;

public static partial class Operators
{
    /// <summary>Drops items until the predicate is false for one; that one and all after it go through.</summary>
    /// <remarks>Behind <see cref="Stage.KeyBy"/>, every lane drops for itself. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="predicate">Not called again once it was false.</param>
    public static Source<T> SkipWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new SkipWhileOperator<T>(NotNull(predicate)));

    /// <inheritdoc cref="SkipWhile{T}(Source{T}, Func{T, bool})"/>
    public static Pipe<TIn, T> SkipWhile<TIn, T>(this Pipe<TIn, T> pipe, Func<T, bool> predicate)
        => NotNull(pipe).Then(new SkipWhileOperator<T>(NotNull(predicate)));
}

internal sealed class SkipWhileOperator<T>(Func<T, bool> predicate) : Operator<T, T>
{
    public override string Kind => "skip-while";

    public override Delegate Function => predicate;

    public override string Stateful => "remembers whether it has begun";

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new SkipWhileStage<T>(context, next, predicate);
}

internal sealed class SkipWhileStage<T>(StageContext context, Inlet<T> next, Func<T, bool> predicate) : Stage<T, T>(context, next)
{
    private bool hasBegun;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (hasBegun) return EmitAsync(item, ticket);
        try
        {
            hasBegun = !predicate(item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return hasBegun ? EmitAsync(item, ticket) : Skip(ticket);
    }
}
