namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source that goes on where it was: in front of a consecutor, the position behind an item is stored in the append that accepts the item, and is
    /// given back at the next start. So every item is accepted exactly once, however often the process dies. Elsewhere it begins at the beginning.
    /// </summary>
    /// <remarks>
    /// Stages between it and the consecutor must be deterministic, keep the order, and hold nothing: one that makes several items of one is
    /// continued in the middle, by counting. It must be the only source of its pipeline, and lead to one consecutor.
    /// </remarks>
    /// <param name="name">Its name; its position is found again by it. One run at a time has it: a later one takes it over.</param>
    /// <param name="produce">Makes the items behind a position; an empty one means from the beginning.</param>
    public static Source<T> Resumable<T>(string name, Func<ReadOnlyMemory<byte>, CancellationToken, IAsyncEnumerable<WithPosition<T>>> produce)
    {
        ArgumentNullException.ThrowIfNull(produce);
        return Resumable(name, "Source.Resumable(name, function)", produce);
    }

    /// <summary>A sequence that is the same, from its beginning, at every start: what was accepted before is skipped by counting.</summary>
    /// <inheritdoc cref="Resumable{T}(string, Func{ReadOnlyMemory{byte}, CancellationToken, IAsyncEnumerable{WithPosition{T}}})"/>
    /// <param name="name">Its name; its position is found again by it.</param>
    /// <param name="items">The sequence.</param>
    public static Source<T> Resumable<T>(string name, IEnumerable<T> items)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(items);
        return new ResumableSource<T>(name, (context, next) => new CountedPump<T>(context, next, name, items), StageOptions.Default);
    }

    /// <param name="name">Its name.</param>
    /// <param name="kind">Who makes its positions (<see cref="IResumablePump.Kind"/>).</param>
    /// <param name="produce">Makes the items behind a position.</param>
    private static ResumableSource<T> Resumable<T>(string name, string kind, Func<ReadOnlyMemory<byte>, CancellationToken, IAsyncEnumerable<WithPosition<T>>> produce)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new(name, (context, next) => new ResumablePump<T>(context, next, name, kind, produce), StageOptions.Default);
    }
}

/// <summary>A source whose pump is an <see cref="IResumablePump"/>.</summary>
internal sealed class ResumableSource<T>(string name, Func<StageContext, Inlet<T>, SourcePump<T>> pump, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => "resumable";

    private protected override string? Hint => name;

    private protected override bool NeedsTickets => true;

    private protected override Source<T> With(StageOptions annotated) => new ResumableSource<T>(name, pump, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => pump(context, next);
}
