namespace Sluice;

public static partial class Operators
{
    /// <summary>Lets the first items through, and tells its sources that no more are wanted; what comes all the same is counted as skipped.</summary>
    /// <remarks>Ends when the sources have ended, which they do at once. Behind <see cref="Stage.KeyBy"/>, every key takes that many, and the sources go on. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="count">How many: 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative count.</exception>
    public static Source<T> Take<T>(this Source<T> source, long count) => NotNull(source).Then(new TakeOperator<T>(count));

    /// <inheritdoc cref="Take{T}(Source{T}, long)"/>
    public static Pipe<TIn, T> Take<TIn, T>(this Pipe<TIn, T> pipe, long count) => NotNull(pipe).Then(new TakeOperator<T>(count));
}

internal sealed class TakeOperator<T> : Operator<T, T>
{
    private readonly long count;

    public TakeOperator(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        this.count = count;
    }

    public override string Kind => "take";

    public override string Stateful => "counts what goes by";

    public override string? StartsAnew => null;      // each run takes so many more, and loses none

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new TakeStage<T>(context, next, count);
}

internal sealed class TakeStage<T> : Stage<T, T>, INodeLifetime
{
    private long left;

    public TakeStage(StageContext context, Inlet<T> next, long count) : base(context, next)
    {
        left = count;
        if (count == 0 && context.KeyClock is null) context.Run.Nodes.Add(this);             // a source must not wait for an item that nobody wants
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (left == 0) return Skip(ticket);
        if (--left == 0) Stop();
        return EmitAsync(item, ticket);
    }

    public ValueTask BeginAsync()
    {
        Stop();
        return default;
    }

    public ValueTask DisposeAsync() => default;
}
