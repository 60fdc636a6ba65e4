namespace Sluice;

public static partial class Operators
{
    /// <summary>Gathers items into arrays. A chunk is put out as soon as one of the limits given is reached, and at the end.</summary>
    /// <remarks>
    /// Never empty, and always bounded: without a <paramref name="count"/> a chunk holds 65,536 items at most. What rests when a run
    /// is cancelled or fails is not put out. It does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>,
    /// every key gathers for itself.
    /// </remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="count">How many items make a chunk: 1 or more.</param>
    /// <param name="within">How long after its first item a chunk is put out, by the run's clock; more than zero.</param>
    /// <param name="weigh">The weight of an item, 0 or more; a negative one is an error on that item. Goes with <paramref name="maxWeight"/>.</param>
    /// <param name="maxWeight">What a chunk may weigh: 1 or more. An item that would make a chunk heavier begins the next one; an item that is heavier by itself goes alone.</param>
    /// <param name="until">A chunk is put out after an item for which this is true.</param>
    /// <exception cref="ArgumentException">No limit at all, or only one of <paramref name="weigh"/> and <paramref name="maxWeight"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A limit less than 1, or a time of zero or less.</exception>
    public static Source<T[]> Chunk<T>(
        this Source<T> source, int? count = null, TimeSpan? within = null, Func<T, long>? weigh = null, long? maxWeight = null, Func<T, bool>? until = null)
        => NotNull(source).Then(new ChunkOperator<T>(new ChunkLimits<T>(count, within, weigh, maxWeight, until)));

    /// <inheritdoc cref="Chunk{T}(Source{T}, int?, TimeSpan?, Func{T, long}, long?, Func{T, bool})"/>
    public static Pipe<TIn, T[]> Chunk<TIn, T>(
        this Pipe<TIn, T> pipe, int? count = null, TimeSpan? within = null, Func<T, long>? weigh = null, long? maxWeight = null, Func<T, bool>? until = null)
        => NotNull(pipe).Then(new ChunkOperator<T>(new ChunkLimits<T>(count, within, weigh, maxWeight, until)));
}

internal sealed class ChunkOperator<T>(ChunkLimits<T> limits) : Operator<T, T[]>
{
    public override string Kind => "chunk";

    public override Delegate? Function => (Delegate?)limits.Until ?? limits.Weigh;

    public override string Stateful => "holds the items of a chunk";

    public override bool EndsItems => true;

    public override bool IsTimed => limits.Within is not null;

    public override bool Remembers => true;

    public override StateShape Shape => new(Kind, typeof(T), 0);

    public override Inlet<T> Create(StageContext context, Inlet<T[]> next) => limits.Within is { } within
        ? new TimedChunkStage<T>(context, next, new ChunkBuffer<T>(limits), within)
        : new ChunkStage<T>(context, next, new ChunkBuffer<T>(limits));
}

internal sealed class ChunkStage<T>(StageContext context, Inlet<T[]> next, ChunkBuffer<T> buffer) : Stage<T, T[]>(context, next), IStateful
{
    public void Restore(StateReader stored) => buffer.Restore(stored);

    public void Save(StateWriter changes) => buffer.Save(changes);

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        T[]? before, after;
        try
        {
            after = buffer.Add(item, out before);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        if (before is null) return after is null ? default : EmitAsync(after, null);
        return after is null ? EmitAsync(before, null) : EmitBothAsync(before, after);
    }

    protected override async ValueTask OnCompleteAsync()
    {
        if (buffer.Count > 0) await EmitAsync(buffer.Cut(), null);
        await Next.CompleteAsync();
    }

    private async ValueTask EmitBothAsync(T[] before, T[] after)
    {
        await EmitAsync(before, null);
        await EmitAsync(after, null);
    }
}
