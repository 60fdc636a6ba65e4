namespace Sluice;

public static partial class Operators
{
    /// <summary>Lets items through until the predicate is false for one; that one and what comes after it are counted as skipped, and the sources are told that no more are wanted.</summary>
    /// <remarks>Ends when the sources have ended, which they do at once. Behind <see cref="Stage.KeyBy"/>, every lane takes for itself. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="predicate">Not called again once it was false.</param>
    public static Source<T> TakeWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new TakeWhileOperator<T>(NotNull(predicate)));

    /// <inheritdoc cref="TakeWhile{T}(Source{T}, Func{T, bool})"/>
    public static Pipe<TIn, T> TakeWhile<TIn, T>(this Pipe<TIn, T> pipe, Func<T, bool> predicate)
        => NotNull(pipe).Then(new TakeWhileOperator<T>(NotNull(predicate)));
}

internal sealed class TakeWhileOperator<T>(Func<T, bool> predicate) : Operator<T, T>
{
    public override string Kind => "take-while";

    public override Delegate Function => predicate;

    public override string Stateful => "remembers whether it has had enough";

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new TakeWhileStage<T>(context, next, predicate);
}

internal sealed class TakeWhileStage<T>(StageContext context, Inlet<T> next, Func<T, bool> predicate) : Stage<T, T>(context, next)
{
    private bool isOver;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (isOver) return Skip(ticket);
        try
        {
            isOver = !predicate(item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        if (!isOver) return EmitAsync(item, ticket);
        Stop();
        return Skip(ticket);
    }
}
