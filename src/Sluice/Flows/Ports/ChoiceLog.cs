using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>
/// The write-ahead log of the choices of a processor that resumes from scratch, by which a repetition makes the same choices.
/// </summary>
/// <remarks>
/// Thread-safe. A choice is stored before any output that depends on it. Choices without visible effects may be lost, and are made anew.
/// </remarks>
internal sealed class ChoiceLog(StoreRetrier calls, string stream, string processor) : IChoices, IDisposable
{
    private const int MaxBytes = (64 << 10) / ChoiceReplay.Record * ChoiceReplay.Record;

    private readonly Lock sync = new();
    private readonly AsyncLock writing = new();
    private readonly ChoiceReplay known = new();
    private readonly EntryBatch batch = new();
    private readonly List<byte> pending = [];
    private ProducerState? producer;
    private long appended;
    private bool isWriting;                          // stays set after a failed write
    private Exception? failure;

    /// <summary>
    /// Loads the choices of earlier starts. Earlier hosts can no longer write the outputs, so their later choices have no effect.
    /// </summary>
    /// <param name="mayBeWritten">Whether an earlier host may still write choices; then it is fenced off here, too.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task LoadAsync(bool mayBeWritten, CancellationToken cancellation)
    {
        if (mayBeWritten) await OpenAsync(cancellation).ConfigureAwait(false);
        else if (await calls.DoAsync([], () => calls.Store.FindStreamAsync(stream, cancellation), cancellation)
            .ConfigureAwait(false) is null) return;
        for (long next = 1; ;)
        {
            var request = new ReadRequest(stream, 0, next);
            ReadResult result = await calls.DoAsync(stream, () => calls.Store.ReadAsync(request, cancellation), cancellation)
                .ConfigureAwait(false);
            if (result.Entries.IsEmpty) return;
            foreach (Entry entry in result.Entries.ToArray()) known.Load(entry.Payload.Span);
            next = result.Next;
        }
    }

    /// <summary>Numbers a chooser; see <see cref="ChoiceReplay.NumberOf"/>.</summary>
    public int NumberOf(ChoiceKind kind, string streams) => known.NumberOf(kind, streams);

    public long? Replay(ChoiceKind kind, int number) => known.Replay(kind, number);

    /// <summary>Takes out the choices of earlier starts, for a child process that replays them.</summary>
    public byte[] TakeKnown() => known.TakeAll();

    public void Add(ChoiceKind kind, int number, long value)
    {
        Span<byte> record = stackalloc byte[ChoiceReplay.Record];
        ChoiceReplay.Write(record, kind, number, value);
        lock (sync) pending.AddRange(record);
    }

    /// <summary>Stores all pending choices; returns when they are durable.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        lock (sync)
            if (pending.Count == 0 && !isWriting) return;          // a running flush may have choices that the caller depends on
        await writing.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (failure is not null) throw failure;
            if (producer is null) await OpenAsync(cancellation).ConfigureAwait(false);
            lock (sync)
            {
                if (pending.Count == 0) return;
                batch.Clear();
                byte[] bytes = [.. pending];
                for (int at = 0; at < bytes.Length; at += MaxBytes) batch.Add(bytes.AsSpan(at, Math.Min(MaxBytes, bytes.Length - at)));
                pending.Clear();
                isWriting = true;
            }
            var request = new AppendRequest(stream, processor, producer!.Epoch, appended + 1, batch);
            AppendResult result = await calls.DoAsync(stream, () => calls.Store.AppendAsync(request, cancellation), cancellation)
                .ConfigureAwait(false);
            if (result.Status == AppendStatus.Gap)
                throw new StoreRolledBackException(
                    $"The store has lost choices of the processor {processor}: it knows {result.Last:N0} in {stream}, and "
                        + $"{appended:N0} were stored.")
                { Stream = stream, Store = calls.Store.Root };
            if (result.Status is not (AppendStatus.Accepted or AppendStatus.Duplicate))
                throw new TakenOverException($"The processor {processor} is run elsewhere.");
            appended += batch.Count;
            lock (sync) isWriting = false;
        }
        catch (Exception e)
        {
            failure = e;                             // the taken choices are gone, so nothing that depends on them may follow
            throw;
        }
        finally
        {
            writing.Leave();
        }
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        var options = new StreamOptions { Partitions = 1, MaxItems = long.MaxValue, MaxBytes = long.MaxValue };
        await calls.DoAsync([], () => calls.Store.OpenStreamAsync(stream, options, cancellation), cancellation).ConfigureAwait(false);
        producer = await calls.DoAsync(stream, () => calls.Store.OpenProducerAsync(stream, processor, cancellation), cancellation)
            .ConfigureAwait(false);
        appended = producer.Last;
    }

    public void Dispose() => batch.Dispose();
}

/// <summary>
/// The clock of a processor that resumes from scratch: a repetition reads the same UTC times. Timers and timestamps are the system's.
/// </summary>
internal sealed class ChosenClock(IChoices choices, TimeProvider time) : TimeProvider
{
    public override DateTimeOffset GetUtcNow()
    {
        if (choices.Replay(ChoiceKind.Clock, 0) is { } known) return new(known, TimeSpan.Zero);
        DateTimeOffset now = time.GetUtcNow();
        choices.Add(ChoiceKind.Clock, 0, now.UtcTicks);
        return now;
    }

    public override TimeZoneInfo LocalTimeZone => time.LocalTimeZone;

    public override long TimestampFrequency => time.TimestampFrequency;

    public override long GetTimestamp() => time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => time.CreateTimer(callback, state, dueTime, period);
}
