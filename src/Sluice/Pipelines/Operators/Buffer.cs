namespace Sluice;

public static partial class Operators
{
    /// <summary>Puts an asynchronous boundary here: what follows runs on a thread of its own, up to this many items behind. The same as <c>source | Stage.Buffer(capacity)</c>.</summary>
    /// <remarks>Also where a branch or a pipe begins, where there is no stage to annotate: <c>s => s.Buffer(100) | Save</c>. Without effect in single-thread mode.</remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="capacity">How many items it holds: 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A capacity less than 1.</exception>
    public static Source<T> Buffer<T>(this Source<T> source, int capacity)
    {
        // An open end has no stage that could be annotated.
        Source<T> buffered = NotNull(source) is OpenSource<T> ? source.Then(new BufferOperator<T>()) : source;
        return buffered.Annotate(Stage.Buffer(capacity));
    }

    /// <inheritdoc cref="Buffer{T}(Source{T}, int)"/>
    public static Pipe<TIn, T> Buffer<TIn, T>(this Pipe<TIn, T> pipe, int capacity) => NotNull(pipe).Then(source => source.Buffer(capacity));
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
