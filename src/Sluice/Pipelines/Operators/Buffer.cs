using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Puts an asynchronous boundary here: the next stage runs on a thread of its own, up to <paramref name="capacity"/> items
    /// behind. Equals <c>source | Stage.Buffer(capacity)</c>.</summary>
    /// <remarks>It also works at the start of a branch or a pipe, where there is no stage to annotate: <c>s => s.Buffer(100) | Save</c>. No
    /// effect in single-thread mode.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="capacity">The number of items that the boundary holds, 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is less than 1.</exception>
    [AlsoForPipes]
    public static Source<T> Buffer<T>(this Source<T> source, int capacity)
    {
        // An open end has no stage that could be annotated.
        Source<T> buffered = NotNull(source) is OpenSource<T> ? source.Then(new BufferOperator<T>()) : source;
        return buffered.Annotate(Stage.Buffer(capacity));
    }
}

internal sealed class BufferOperator<T> : Operator<T, T>
{
    public override string Kind => "buffer";

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new BufferStage<T>(context, next);
}

internal sealed class BufferStage<T>(StageContext context, Inlet<T> next) : Stage<T, T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        return EmitAsync(item, ticket);
    }
}
