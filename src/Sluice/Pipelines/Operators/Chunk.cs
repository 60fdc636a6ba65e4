using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Gathers items into arrays, the chunks. A chunk is put out as soon as it reaches one of the given limits, and at the
    /// end.</summary>
    /// <remarks>A chunk is never empty and always bounded: without a <paramref name="count"/> it has 65,536 items at most. If a run is
    /// cancelled or fails, the open chunk is dropped. The stage does not run in parallel and is not retried; behind
    /// <see cref="Stage.KeyBy"/>, every key has chunks of its own. In a consecutor those need a <paramref name="count"/> of 1,000 at
    /// most.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="count">The number of items in a chunk, 1 or more.</param>
    /// <param name="within">The time from the first item of a chunk until the chunk is put out, by the clock of the run; more than
    /// zero, at most 36,500 days.</param>
    /// <param name="weigh">Returns the weight of an item, 0 or more; a negative weight fails the item. Requires
    /// <paramref name="maxWeight"/>.</param>
    /// <param name="maxWeight">The maximum weight of a chunk, 1 or more. An item that would make a chunk heavier starts the next one; an
    /// item that alone is heavier is a chunk of its own.</param>
    /// <param name="until">Returns true for an item that ends its chunk.</param>
    /// <exception cref="ArgumentException">There is no limit, or only one of <paramref name="weigh"/> and
    /// <paramref name="maxWeight"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A limit is less than 1, or a time is zero or less.</exception>
    [AlsoForPipes]
    public static Source<T[]> Chunk<T>(
        this Source<T> source, int? count = null, TimeSpan? within = null, Func<T, long>? weigh = null, long? maxWeight = null,
            Func<T, bool>? until = null)
        => NotNull(source).Then(new ChunkOperator<T>(new ChunkLimits<T>(count, within, weigh, maxWeight, until)));
}

internal sealed class ChunkOperator<T>(ChunkLimits<T> limits) : Operator<T, T[]>
{
    public override string Kind => "chunk";

    public override Delegate? Function => (Delegate?)limits.Until ?? limits.Weigh;

    public override string Stateful => "holds the items of a chunk";

    public override bool EndsItems => true;

    public override bool IsTimed => limits.Within is not null;

    public override bool Remembers => true;

    public override Operator<T, T[]> StoredByKey
    {
        get
        {
            GatheredByKey.Check(Kind, limits.Count, "Chunk(100), or Chunk(100, within: …)");
            return new StoredByKeyOperator<T, T[]>(this, () => new ChunkNode<T>(limits));
        }
    }

    public override StateShape Shape => new(Kind, typeof(T), 0);

    public override Inlet<T> Create(StageContext context, Inlet<T[]> next) => limits.Within is { } within
        ? new TimedChunkStage<T>(context, next, new ChunkBuffer<T>(limits, context.Scope), within)
        : new ChunkStage<T>(context, next, new ChunkBuffer<T>(limits, context.Scope));
}

internal sealed class ChunkStage<T>(StageContext context, Inlet<T[]> next, ChunkBuffer<T> buffer)
    : Stage<T, T[]>(context, next), IStateful, IEndsInSteps
{
    private bool hasBegin;                           // stored by code with a time limit

    public bool HasMoreToEnd => buffer.HasMoreToEnd;

    public void Restore(StateReader stored)
    {
        buffer.Restore(stored);
        hasBegin = stored.Has(TimedChunkStage<T>.BeganRow);
    }

    public void Save(StateWriter changes)
    {
        buffer.Save(changes);
        if (hasBegin) changes.Delete(TimedChunkStage<T>.BeganRow);
        hasBegin = false;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        if (!buffer.TryAdd(item)) return buffer.IsOverfull ? EmitFullAndAddAsync(item, ticket) : AddAsync(item, ticket);
        Context.In++;
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    private ValueTask AddAsync(T item, Ticket? ticket)
    {
        Context.In++;
        T[]? after = buffer.Add(Context, item, ticket, out T[]? before);
        if (before is null) return after is null ? default : EmitAsync(after, null);
        return after is null ? EmitAsync(before, null) : EmitBothAsync(before, after);
    }

    protected override async ValueTask OnCompleteAsync()
    {
        await EmitFullAsync();
        if (buffer.Count > 0 && !buffer.IsOverfull) await EmitAsync(buffer.Cut(), null);
        await Next.CompleteAsync();
    }

    private async ValueTask EmitFullAndAddAsync(T item, Ticket? ticket)
    {
        await EmitFullAsync();
        await AddAsync(item, ticket);
    }

    private async ValueTask EmitFullAsync()
    {
        while (buffer.TryCutFirst(out T[] chunk)) await EmitAsync(chunk, null);
    }

    private async ValueTask EmitBothAsync(T[] before, T[] after)
    {
        await EmitAsync(before, null);
        await EmitAsync(after, null);
    }
}
