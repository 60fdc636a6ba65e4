using System.ComponentModel;

namespace Sluice.Storage;

/// <summary>Tells a source (<see cref="Source.Acknowledged"/>) which position is stored, and stores positions without items.</summary>
/// <remarks>Thread-safe. Each run has its own.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]        // only lambdas of Source.Acknowledged have it
public sealed class SourceProgress
{
    internal const int MaxBytes = 1_900;             // of a position

    private const byte Whole = 0, InPart = 1;

    private readonly Lock sync = new();
    private readonly Action passOver;
    private Func<ReadOnlyMemory<byte>, Task>? markAsync;
    private Func<bool> hasCut = static () => false;  // set with markAsync, before the source begins
    private TaskCompletionSource? quiet;             // this and below: under the lock
    private ReadOnlyMemory<byte> stored;
    private ReadOnlyMemory<byte>? mark;              // to store without an item, since the last item
    private long open;
    private bool hasItem;                            // of this run, or passed over

    internal SourceProgress(Action passOver) => this.passOver = passOver;

    /// <summary>The position at which this run begins; empty for the beginning.</summary>
    public ReadOnlyMemory<byte> Start { get; private set; }

    /// <summary>
    /// The position behind the item at <see cref="Start"/>, if stages before the consecutor make several items of it and only some of them
    /// were accepted; null otherwise. The source makes that item again: the accepted part is skipped. If the item is gone, call
    /// <see cref="PassOverInterrupted"/> before the first item.
    /// </summary>
    public ReadOnlyMemory<byte>? Interrupted { get; private set; }

    /// <summary>Whether positions are stored: the source is in front of a consecutor with a store.</summary>
    public bool IsStored => markAsync is not null;

    /// <summary>
    /// The latest position in the store, which the next run would begin at. Every item before it was accepted. <see cref="Start"/> until
    /// this run stores one.
    /// </summary>
    public ReadOnlyMemory<byte> Stored
    {
        get { lock (sync) return stored; }
    }

    /// <summary>Tells that the interrupted item is gone, so that the next item is not mistaken for it. Call it once, before the first
    /// item.</summary>
    public void PassOverInterrupted() => passOver();

    /// <summary>
    /// Stores a position without an item. It waits until all items that this run has made before have ended: await it before the next item.
    /// Without a store it only waits.
    /// </summary>
    /// <remarks>
    /// While the interrupted item (<see cref="Interrupted"/>) is still to come, nothing is stored: the store has to know which part of it
    /// was accepted. Nothing is stored either once an item was left out in part, because the run fails or a stage takes no more items: the
    /// next run makes that item again.
    /// </remarks>
    /// <param name="position">The position: at most 1,900 bytes.</param>
    /// <param name="cancellation">Cancels waiting; the position may be stored nevertheless.</param>
    /// <exception cref="ArgumentException">The position is too long.</exception>
    public async Task StoreAsync(ReadOnlyMemory<byte> position, CancellationToken cancellation = default)
    {
        if (position.Length > MaxBytes)
            throw new ArgumentException($"The position has {position.Length:N0} bytes, and may have {MaxBytes:N0}.", nameof(position));
        Task ended = Task.CompletedTask;
        lock (sync)
        {
            if (open > 0) ended = (quiet ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        await ended.WaitAsync(cancellation).ConfigureAwait(false);
        ReadOnlyMemory<byte> tagged = Tagged(position);
        lock (sync)
        {
            if (markAsync is null || hasCut() || (Interrupted is not null && !hasItem)) return;
            mark = tagged;
        }
        await markAsync(tagged).WaitAsync(cancellation).ConfigureAwait(false);
    }

    internal void Begin(ReadOnlyMemory<byte> position) => (Start, Interrupted) = (stored, _) = Read(position);

    /// <param name="mark">Stores a position without an item.</param>
    /// <param name="isCut">Whether an item was left out in part: no position behind it may be stored.</param>
    internal void MarkWith(Func<ReadOnlyMemory<byte>, Task> mark, Func<bool> isCut) => (markAsync, hasCut) = (mark, isCut);

    /// <returns>The position that was stored without an item since the last item; null if there is none.</returns>
    internal ReadOnlyMemory<byte>? OnEmitting()
    {
        lock (sync)
        {
            (open, hasItem) = (open + 1, true);
            (ReadOnlyMemory<byte>? before, mark) = (mark, null);
            return before;
        }
    }

    internal void OnItemEnded()
    {
        TaskCompletionSource? done = null;
        lock (sync)
        {
            if (--open == 0) (done, quiet) = (quiet, null);
        }
        done?.TrySetResult();
    }

    internal void OnStored(ReadOnlyMemory<byte> position)
    {
        lock (sync) stored = Read(position).Start;
    }

    /// <summary>A position as it is stored: behind a whole item.</summary>
    internal static ReadOnlyMemory<byte> Tagged(ReadOnlyMemory<byte> position) => (byte[])[Whole, .. position.Span];

    /// <summary>A position as it is stored: between the positions before and behind an item that was accepted in part.</summary>
    internal static ReadOnlyMemory<byte> Between(ReadOnlyMemory<byte> before, ReadOnlyMemory<byte> behind)
    {
        ReadOnlySpan<byte> first = Read(before).Start.Span, second = Read(behind).Start.Span;
        byte[] length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, first.Length);
        return (byte[])[InPart, .. length, .. first, .. second];
    }

    private static (ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte>? Interrupted) Read(ReadOnlyMemory<byte> position)
    {
        if (position.IsEmpty) return (default, null);
        const int Head = 1 + sizeof(int);
        if (position.Span[0] == Whole) return (position[1..], null);
        bool inPart = position.Span[0] == InPart && position.Length >= Head;
        int length = inPart ? BinaryPrimitives.ReadInt32LittleEndian(position.Span[1..]) : -1;
        if (length < 0 || length > position.Length - Head) throw new InvalidDataException(
            "A stored position of a source is damaged, or a later version of Sluice has written it. Run that version; or give the source "
                + "another name, to begin at the beginning.");
        return (position.Slice(Head, length), position[(Head + length)..]);
    }
}
