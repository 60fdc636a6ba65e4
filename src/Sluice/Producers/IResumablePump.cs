using System.Collections.Concurrent;
using Sluice.Pipelines;

namespace Sluice.Producers;

/// <summary>A source's pump that can resume from a stored position.</summary>
internal interface IResumablePump
{
    /// <summary>The producer's name.</summary>
    string Name { get; }

    /// <summary>The kind of producer, for people. Stored with the position: other kinds cannot read it.</summary>
    string Kind { get; }

    /// <summary>Takes what one run at a time may use. Called before the producer is opened in the store, and so before an earlier run of
    /// it is superseded.</summary>
    /// <returns>Gives back what the pump has not used; null if there is nothing to take. To dispose at the end of the run.</returns>
    IDisposable? Claim() => null;

    /// <summary>Sets the position to resume from. Called once, before the pump starts, and only if positions are stored.</summary>
    void Resume(ReadOnlyMemory<byte> position);

    /// <summary>
    /// The position from which this item would be produced again. Called with increasing numbers of items of this run; any thread.
    /// </summary>
    ReadOnlyMemory<byte> PositionBefore(long sequence);

    /// <summary>The position before an item whose last accepted part has this checksum; the pump may store it.</summary>
    ReadOnlyMemory<byte> PositionWith(long sequence, uint sum) => PositionBefore(sequence);

    /// <summary>The checksum of the last part that was accepted by earlier runs; null if none is stored.</summary>
    uint? AcceptedSum => null;

    /// <summary>The number of items that earlier runs have sent; null if the pump does not count.</summary>
    long? SentBefore => null;

    /// <summary>
    /// The position behind this item, all of which was accepted; null if the pump does not tell it. Called like
    /// <see cref="PositionBefore"/>.
    /// </summary>
    ReadOnlyMemory<byte>? PositionBehind(long sequence) => null;

    /// <summary>
    /// Sets the function that stores a position without an item, once everything before it was accepted. Called with <see cref="Resume"/>.
    /// </summary>
    void MarkWith(Func<ReadOnlyMemory<byte>, Task> markAsync) { }

    /// <summary>Called with each position that the store has, in order, by one thread at a time: of an append or a mark.</summary>
    void Stored(ReadOnlyMemory<byte> position) { }

    /// <summary>
    /// Sets the function that stores bytes that are no valid item: the bytes, the reason, and a position, once everything before it was
    /// accepted. Called with <see cref="Resume"/>.
    /// </summary>
    void BuryWith(Func<ReadOnlyMemory<byte>, string, ReadOnlyMemory<byte>, Task> buryAsync) { }
}

internal sealed class CountedPump<T>(StageContext context, Inlet<T> next, string name, IEnumerable<T> items)
    : SequencePump<T>(context, next), IResumablePump
{
    private const int PositionBytes = sizeof(long), WithSum = PositionBytes + sizeof(uint);

    private long start;
    private long? sent;
    private bool hasEmitted;

    public string Name => name;

    public string Kind => "Source.Resumable(name, sequence)";

    public override long? SentBefore => sent;

    public uint? AcceptedSum { get; private set; }

    // A position is stored with an item that was accepted, at least in part: the one at the position.
    public void Resume(ReadOnlyMemory<byte> position)
    {
        if (position.IsEmpty) return;
        start = BinaryPrimitives.ReadInt64LittleEndian(position.Span);
        sent = start + 1;
        if (position.Length >= WithSum) AcceptedSum = BinaryPrimitives.ReadUInt32LittleEndian(position.Span[PositionBytes..]);
    }

    public ReadOnlyMemory<byte> PositionBefore(long sequence)
    {
        var bytes = new byte[PositionBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, start + sequence);
        return bytes;
    }

    public ReadOnlyMemory<byte> PositionWith(long sequence, uint sum)
    {
        var bytes = new byte[WithSum];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, start + sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(PositionBytes), sum);
        return bytes;
    }

    // LINQ skips an int at most.
    protected override IEnumerator<T> Open()
    {
        IEnumerable<T> rest = items;
        for (long left = start; left > 0; left -= int.MaxValue) rest = rest.Skip((int)Math.Min(left, int.MaxValue));
        return rest.GetEnumerator();
    }

    protected override ValueTask PushSome(IEnumerator<T> enumerator, out bool ended)
    {
        ended = false;
        bool inUserCode = false;
        try
        {
            while (!IsStopped)
            {
                inUserCode = true;
                if (!enumerator.MoveNext())
                {
                    if (!hasEmitted && sent is { } before) throw Shorter(before);
                    break;
                }
                T item = enumerator.Current;
                inUserCode = false;
                hasEmitted = true;
                ValueTask pushed = EmitAsync(item);
                if (!pushed.IsCompletedSuccessfully) return pushed;
            }
        }
        catch (Exception e) when (inUserCode)
        {
            throw Failure(e);
        }
        ended = true;
        return default;
    }

    private InvalidDataException Shorter(long before)
    {
        string length = items.TryGetNonEnumeratedCount(out int count) ? $"has {count:N0} item{(count == 1 ? "" : "s")}" : "is shorter";
        return new($"The sequence of the producer '{name}' {length}, and earlier runs have sent {before:N0} items under this name. The "
            + $"producer skips as many items as it has sent: the sequence must be the same at every start, and may only grow at its "
            + $"end. For other items, give the producer another name, or use SendAsync.");
    }
}

internal sealed class ResumablePump<T>(
    StageContext context, Inlet<T> next, string name, string kind,
        Func<ReadOnlyMemory<byte>, CancellationToken, IAsyncEnumerable<WithPosition<T>>> produce)
    : SourcePump<T>(context, next), IResumablePump
{
    private const int MaxPosition = 4_000;           // an append takes 4 KB, with the kind and the count of parts

    private readonly ConcurrentQueue<(long Sequence, ReadOnlyMemory<byte> Before, ReadOnlyMemory<byte> Behind)> positions = new();
    private ReadOnlyMemory<byte> start;
    private bool isResumed;
    private long produced;
    private byte[]? passed;

    public string Name => name;

    public string Kind => kind;

    public void Resume(ReadOnlyMemory<byte> position) => (start, isResumed) = (position, true);

    /// <summary>
    /// Combines the positions before and behind an item that was accepted in part, for a producer whose items may be gone when it resumes.
    /// Null if the producer makes such an item again.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>? Between { get; init; }

    public ReadOnlyMemory<byte> PositionBefore(long sequence)
        => Find(sequence) is not { } found ? start : Between is null ? found.Before : Between(found.Before, found.Behind);

    /// <summary>Whether the function makes the items behind a position. If not, the first item is the last one that was accepted, also if
    /// all of it was.</summary>
    public bool ResumesBehind { get; init; }

    public ReadOnlyMemory<byte>? PositionBehind(long sequence) => ResumesBehind ? Find(sequence)?.Behind : null;

    /// <summary>The journal that the function opens; null if it has none.</summary>
    public JournalClaim? Journal { get; init; }

    public IDisposable? Claim()
    {
        try
        {
            Journal?.Take();
            return Journal;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <summary>What the source is told of its stored positions; null if it is told nothing.</summary>
    public SourceProgress? Progress { get; init; }

    public override Action? ItemEnded => Progress is { } progress ? progress.OnItemEnded : null;

    public void MarkWith(Func<ReadOnlyMemory<byte>, Task> markAsync) => Progress?.MarkWith(markAsync, () => HasCut);

    public void Stored(ReadOnlyMemory<byte> position) => Progress?.OnStored(position);

    /// <summary>Skips the item to resume with, because it is gone: the next item is another one.</summary>
    public void PassOverItem()
    {
        produced++;
        Progress?.OnEmitting();
        PassOver();
    }

    /// <summary>Sets the position before the next item: what was between the last item and this position is gone, and nothing of it was
    /// accepted.</summary>
    public void PassTo(byte[] position) => passed = position;

    private (ReadOnlyMemory<byte> Before, ReadOnlyMemory<byte> Behind)? Find(long sequence)
    {
        while (positions.TryPeek(out var known) && known.Sequence < sequence) positions.TryDequeue(out _);
        return positions.TryPeek(out var found) && found.Sequence == sequence ? (found.Before, found.Behind) : null;
    }

    protected override async ValueTask ProduceAsync()
    {
        ReadOnlyMemory<byte> before = start;
        IAsyncEnumerator<WithPosition<T>> items = Open();
        bool left = false;
        try
        {
            while (!IsStopped)
            {
                Task<bool> moving = MoveNext(items);
                if (!await ArrivesAsync(moving))
                {
                    left = true;
                    LeaveBehind(DisposeAfterAsync(moving, items));
                    return;
                }
                if (await MovedAsync(new(moving)) is not true) return;
                WithPosition<T> item = items.Current;
                // Behind a position without an item, which the store has: it must not go back.
                before = Progress?.OnEmitting() ?? passed ?? before;
                passed = null;
                if (isResumed)
                {
                    // A copy: the function may use the memory again for its next position, and the append stores this one later.
                    ReadOnlyMemory<byte> behind = Copied(item.Position);
                    positions.Enqueue((produced, before, behind));
                    before = behind;
                }
                produced++;
                await Flushed(EmitAsync(item.Item));
            }
        }
        finally
        {
            if (!left) await DisposeAsync(items);
        }
    }

    private byte[] Copied(ReadOnlyMemory<byte> position) => position.Length <= MaxPosition ? position.ToArray()
        : throw Failure(new InvalidDataException(
            $"A position of the producer '{name}' has {position.Length:N0} bytes, and may have {MaxPosition:N0}."));

    private IAsyncEnumerator<WithPosition<T>> Open()
    {
        try
        {
            IAsyncEnumerable<WithPosition<T>> made = produce(start, StopToken)
                ?? throw new InvalidOperationException(
                $"The function of the producer '{name}' returned null instead of a sequence. If there is nothing, return an empty one.");
            return made.GetAsyncEnumerator(StopToken);
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    private static Task<bool> MoveNext(IAsyncEnumerator<WithPosition<T>> items)
    {
        try
        {
            return items.MoveNextAsync().AsTask();
        }
        catch (Exception e)
        {
            return Task.FromException<bool>(e);
        }
    }
}
