using Sluice.Engine;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Lets the first items through, and then tells the sources to stop; items that still come are counted as skipped.</summary>
    /// <remarks>Ends when the sources have ended, which they do at once. Behind <see cref="Stage.KeyBy"/>, every key takes that many, and
    /// the sources go on. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="count">The number of items, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    [AlsoForPipes]
    public static Source<T> Take<T>(this Source<T> source, long count) => NotNull(source).Then(new TakeOperator<T>(count));
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
        if (count == 0 && context.KeyClock is null) context.Run.Nodes.Add(this); // a source must not wait for an item that is not needed
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
