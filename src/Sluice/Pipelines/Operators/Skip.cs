using Sluice.Engine;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Drops the first items, and lets the rest through.</summary>
    /// <remarks>Behind <see cref="Stage.KeyBy"/>, the first items of every key are dropped. It does not run in parallel and is not
    /// retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="count">The number of items to drop, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    [AlsoForPipes]
    public static Source<T> Skip<T>(this Source<T> source, long count) => NotNull(source).Then(new SkipOperator<T>(count));
}

internal sealed class SkipOperator<T> : Operator<T, T>
{
    private readonly long count;

    public SkipOperator(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        this.count = count;
    }

    public override string Kind => "skip";

    public override string Stateful => "counts what goes by";

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new SkipStage<T>(context, next, count);
}

internal sealed class SkipStage<T>(StageContext context, Inlet<T> next, long count) : Stage<T, T>(context, next)
{
    private long left = count;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (left == 0) return EmitAsync(item, ticket);
        left--;
        return Skip(ticket);
    }
}
