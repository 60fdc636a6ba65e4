namespace Sluice.Engine;

/// <summary>The slices that the output of a parallel stage looks at, in order. The links are in the slices.</summary>
/// <remarks>Under the lock of the board.</remarks>
internal sealed class ChunkList<TIn, TOut>
{
    private Chunk<TIn, TOut>? last;

    public Chunk<TIn, TOut>? First { get; private set; }

    public void Add(Chunk<TIn, TOut> chunk)
    {
        if (last is null) First = chunk;
        else last.Next = chunk;
        last = chunk;
        chunk.IsListed = true;
    }

    /// <summary>Adds a slice directly behind another one.</summary>
    public void AddBehind(Chunk<TIn, TOut> chunk, Chunk<TIn, TOut> added)
    {
        (added.Next, chunk.Next) = (chunk.Next, added);
        if (last == chunk) last = added;
        added.IsListed = true;
    }

    public void RemoveFirst()
    {
        Chunk<TIn, TOut> removed = First!;
        First = removed.Next;
        if (First is null) last = null;
        removed.Next = null;
        removed.IsListed = false;
    }
}
