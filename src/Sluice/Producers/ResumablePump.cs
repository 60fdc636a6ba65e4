namespace Sluice.Producers;

/// <summary>The pump of a function that makes the items behind a position.</summary>
internal sealed class ResumablePump<T>(
    StageContext context, Inlet<T> next, string name, string kind,
        Func<ReadOnlyMemory<byte>, CancellationToken, IAsyncEnumerable<WithPosition<T>>> produce)
    : SourcePump<T>(context, next), IResumablePump
{
    private const int MaxPosition = 4_000;           // an append takes 4 KB, with the kind and the count of parts

    private readonly ItemPositions<(ReadOnlyMemory<byte> Before, ReadOnlyMemory<byte> Behind)> positions = new();
    private ReadOnlyMemory<byte> start;
    private bool isResumed;
    private long produced;
    private byte[]? passed;
    private volatile bool hasLeft;                   // the function works on, and the run does not wait for its items

    public string Name => name;

    public string Kind => kind;

    public void Resume(ReadOnlyMemory<byte> position) => (start, isResumed) = (position, true);

    /// <summary>
    /// Combines the positions before and behind an item that was accepted in part, for a producer whose items may be gone when it resumes.
    /// Null if the producer makes such an item again.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>? Between { get; init; }

    public ReadOnlyMemory<byte> PositionBefore(long sequence)
    {
        var (before, behind) = Find(sequence) ?? throw ItemPositions.Lost(name, sequence);
        return Between is null ? before : Between(before, behind);
    }

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

    // A function that was left behind may store nothing: what it makes comes nowhere.
    public void MarkWith(Func<ReadOnlyMemory<byte>, Task> markAsync) => Progress?.MarkWith(markAsync, () => HasCut || IsLeftBehind);

    public void Stored(ReadOnlyMemory<byte> position) => Progress?.OnStored(position);

    /// <summary>Skips the item to resume with, because it is gone: the next item is another one.</summary>
    public void PassOverItem()
    {
        if (IsLeftBehind) return;
        produced++;
        Progress?.OnEmitting();
        PassOver();
    }

    /// <summary>Sets the position before the next item: what was between the last item and this position is gone, and nothing of it was
    /// accepted.</summary>
    public void PassTo(byte[] position) => passed = position;

    private (ReadOnlyMemory<byte> Before, ReadOnlyMemory<byte> Behind)? Find(long sequence)
        => positions.TryFind(sequence, out var found) ? found : null;

    /// <summary>Whether a read of the function may end only when a key is pressed: then the run does not wait for it.</summary>
    public bool WaitsForKeys { get; init; }

    protected override bool IsAwaited => !WaitsForKeys;

    private bool IsLeftBehind => hasLeft || IsLeft;

    protected override async ValueTask ProduceAsync()
    {
        ReadOnlyMemory<byte> before = start;
        if (!TryOutside(Open, out IAsyncEnumerator<WithPosition<T>>? items))
        {
            if (items is not null) await DisposeLateAsync(items);
            return;
        }
        bool left = false;
        try
        {
            while (true)
            {
                MayGoOutside();
                if (!GoOutside()) return;
                Task<bool> moving = MoveNext(items!);
                if (!ComeBack())
                {
                    left = true;
                    await DisposeAfterAsync(moving, items!);
                    return;
                }
                if (!await ArrivesAsync(moving))
                {
                    left = hasLeft = true;
                    LeaveBehind(DisposeAfterAsync(moving, items!));
                    return;
                }
                if (await MovedAsync(new(moving)) is not true) return;
                WithPosition<T> item = items!.Current;
                // Behind a position without an item, which the store has: it must not go back.
                before = Progress?.OnEmitting() ?? passed ?? before;
                passed = null;
                if (isResumed)
                {
                    // A copy: the function may use the memory again for its next position, and the append stores this one later.
                    ReadOnlyMemory<byte> behind = Copied(item.Position);
                    positions.Add(produced, (before, behind), Tickets);
                    before = behind;
                }
                produced++;
                await Flushed(EmitAsync(item.Item));
            }
        }
        finally
        {
            if (!left) await DisposeAsync(items!);
        }
    }

    private byte[] Copied(ReadOnlyMemory<byte> position) => position.Length switch
    {
        0 => throw Failure(NoPosition(name)),
        <= MaxPosition => position.ToArray(),
        _ => throw Failure(new InvalidDataException(
            $"A position of the producer '{name}' has {position.Length:N0} bytes, and may have {MaxPosition:N0}.")),
    };

    public static InvalidDataException NoPosition(string name) => new(
        $"A position of the producer '{name}' is empty. That means the beginning, from which the next run would accept all items again: "
            + "give each item the position behind it.");

    private IAsyncEnumerator<WithPosition<T>> Open()
    {
        try
        {
            IAsyncEnumerable<WithPosition<T>> made = produce(start, StopToken)
                ?? throw new InvalidOperationException(
                $"The function of the producer '{name}' returned null instead of a sequence. If there is nothing, return an empty one.");
            return made.GetAsyncEnumerator(StopToken);
        }
        catch (Exception e) when (!AnswersStop(e))
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
