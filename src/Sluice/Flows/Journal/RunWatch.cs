using System.Text.Json;

namespace Sluice.Flows;

/// <summary>Reads the journal of a run from its beginning, and can follow it.</summary>
/// <remarks>Thread-safe, except that reads, <see cref="Follow"/> and <see cref="PauseAsync"/> must not overlap.</remarks>
internal sealed partial class RunWatch : IAsyncDisposable
{
    private readonly StoreRetrier calls;
    private readonly string stream;
    private readonly CancellationTokenSource cancelled = new();
    private readonly CancellationTokenSource cut = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock sync = new();
    private readonly List<(DateTimeOffset Time, RunEvent Event)> events = [];
    private readonly Dictionary<string, string> stuck = new(StringComparer.Ordinal);          // stream by processor
    private readonly Dictionary<string, string> idle = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> starts = new(StringComparer.Ordinal);
    private readonly HashSet<string> over = new(StringComparer.Ordinal);          // processors that have ended
    private bool isPartEnough;
    private RunTimeline? timeline;                   // until the journal is followed
    private long next = 1;

    private RunWatch(StoreRetrier calls, string run)
    {
        (this.calls, Run, stream) = (calls, run, FlowNames.Journal(run));
        (Cancelled, Cut) = (cancelled.Token, cut.Token);
    }

    public string Run { get; }

    /// <summary>The plan of the run.</summary>
    public RunPlan Plan { get; private set; } = null!;

    /// <summary>Cancelled when the journal has a request to cancel the run.</summary>
    public CancellationToken Cancelled { get; }

    /// <summary>Whether the run was cancelled before its last processor had ended; later requests have no effect.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>The reason for the cancellation.</summary>
    public string CancelReason { get; private set; } = "";

    /// <summary>Cancelled when the journal can no longer be followed, unless the service stops. Later events go unnoticed.</summary>
    public CancellationToken Cut { get; }

    /// <summary>Why the journal cannot be followed; null if it can.</summary>
    public FlowException? Failure { get; private set; }

    /// <summary>
    /// Completes when all processors have ended or the run is cancelled; fails if the journal is gone. Requires <see cref="Follow"/>.
    /// </summary>
    public Task Over => ended.Task;

    /// <summary>Whether a processor has ended, as far as the journal was read. Do not call it while the journal is followed.</summary>
    public bool HasEnded(string processor) => over.Contains(processor);

    /// <summary>The store's generation at the last read of the journal.</summary>
    public int Generation { get; private set; }

    /// <summary>The known events that still matter, in order.</summary>
    public IReadOnlyList<(DateTimeOffset Time, RunEvent Event)> Events
    {
        get
        {
            lock (sync) return [.. events];
        }
    }

    /// <summary>The number of starts of a processor.</summary>
    public int StartsOf(string processor)
    {
        lock (sync) return starts.GetValueOrDefault(processor);
    }

    /// <summary>The processors that report a long wait for room, with the stream.</summary>
    public IReadOnlyDictionary<string, string> Stuck => Copy(stuck);

    /// <summary>
    /// The processors that reported a wait for a value, with the stream, when another was stuck. The value may have come since.
    /// </summary>
    public IReadOnlyDictionary<string, string> Idle => Copy(idle);

    /// <summary>Receives each event in turn; set before <see cref="Follow"/>. Must not throw.</summary>
    public Func<RunEvent, Task>? Noticed { get; set; }

    /// <summary>Adds an event to the journal.</summary>
    public static async Task AddAsync(StoreRetrier calls, string run, RunEvent happened, CancellationToken cancellation)
    {
        string journal = FlowNames.Journal(run);
        using EntryBatch entry = RunJson.Entry(happened);
        // The producer's name is used once only: repeating the append after a lost answer adds nothing.
        var append = new AppendRequest(journal, $"{happened.Kind} {Guid.NewGuid():N}", 0, 1,
            entry)
        { ForgetAfter = TimeSpan.FromMinutes(10), MakesRoom = true };
        await calls.DoAsync(journal, () => calls.Store.AppendAsync(append, cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>Opens the journal of a run, and reads it up to its end.</summary>
    /// <param name="calls">The store.</param>
    /// <param name="run">The id of the run.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <param name="isPartEnough">Whether the plan alone suffices: if the rest of the journal is unreadable, <see cref="Failure"/> says
    /// so.</param>
    /// <param name="timeline">Receives the events that are read by this call and by <see cref="TryReadOnAsync"/>.</param>
    /// <returns>The watch; null if there is no such run, or its start has not committed.</returns>
    public static async Task<RunWatch?> OpenAsync(StoreRetrier calls, string run, CancellationToken cancellation, bool isPartEnough = false,
        RunTimeline? timeline = null)
    {
        var watch = new RunWatch(calls, run) { timeline = timeline, isPartEnough = isPartEnough };
        if (await watch.IfThereAsync(async _ =>
        {
            await watch.ReadUpAsync(cancellation).ConfigureAwait(false);
            return watch.Plan is not null;
        }, cancellation).ConfigureAwait(false)) return watch;
        await watch.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>Reads the journal if it is there.</summary>
    /// <returns>What the reading returns; false if the journal is not there, or was deleted meanwhile.</returns>
    private async Task<bool> IfThereAsync(Func<StreamInfo, Task<bool>> read, CancellationToken cancellation)
    {
        try
        {
            return await FindAsync().ConfigureAwait(false) is { } info && await read(info).ConfigureAwait(false);
        }
        catch (FlowException)
        {
            if (await FindAsync().ConfigureAwait(false) is not null) throw;
            return false;
        }

        Task<StreamInfo?> FindAsync() => calls.DoAsync([], () => calls.Store.FindStreamAsync(stream, cancellation), cancellation);
    }

    /// <summary>Reads what was added to the journal since. Not while the journal is followed.</summary>
    /// <returns>Whether it still is the journal of this run: one that was deleted, or began again under the id, is another one.</returns>
    public Task<bool> TryReadOnAsync(CancellationToken cancellation) => IfThereAsync(async info =>
    {
        if (info.Appended < next - 1) return false;
        ReadResult first = await calls.DoAsync(stream, () => calls.Store.ReadAsync(new(stream, 0, 1) { MaxItems = 1 }, cancellation),
            cancellation).ConfigureAwait(false);
        if (first.Entries.IsEmpty || Read(first.Entries.Span[0], out _)?.Plan?.Key != Plan.Key) return false;
        if (info.Appended >= next) await ReadUpAsync(cancellation).ConfigureAwait(false);
        return true;
    }, cancellation);

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        cancelled.Dispose();
        cut.Dispose();
    }

    /// <summary>Keeps only the last failed attempt of a processor, because there may be any number.</summary>
    private void Keep(DateTimeOffset time, RunEvent happened)
    {
        if (happened is { Kind: RunEventKind.Started, Processor: { } begun }) starts[begun] = starts.GetValueOrDefault(begun) + 1;
        if (happened is { Kind: RunEventKind.Retrying, Processor: { } failed })
            events.RemoveAll(one => one.Event.Processor == failed && one.Event.Kind is (RunEventKind.Started or RunEventKind.Retrying));
        events.Add((time, happened));
    }

    private Dictionary<string, string> Copy(Dictionary<string, string> waits)
    {
        lock (sync) return new(waits);
    }

    private FlowException Unreadable(Exception e)
        => new($"The journal of the run {Run} cannot be followed any further, so its cancellation would go unseen "
        + $"here: {e.Message}", e)
        { Run = Run };

    /// <summary>Reads up to the end of the journal, or as far as it can be read, if that is enough.</summary>
    private async Task ReadUpAsync(CancellationToken cancellation)
    {
        try
        {
            await ReadAsync(cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException e) when (isPartEnough && Plan is not null && e.IsPermanent && e is not StoreRolledBackException)
        {
            Failure = Unreadable(e);
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var request = new ReadRequest(stream, 0, next);
            ReadResult result = await calls.DoAsync(stream, () => calls.Store.ReadAsync(request, cancellation), cancellation)
                .ConfigureAwait(false);
            if (result.Entries.IsEmpty) return;
            foreach (Entry entry in result.Entries.ToArray())
            {
                if (Note(entry) is not { } happened) continue;
                if (Noticed is not null && following != Task.CompletedTask) await Noticed(happened).ConfigureAwait(false);
            }
            next = result.Next;
            if (IsCancelled && !cancelled.IsCancellationRequested) await cancelled.CancelAsync().ConfigureAwait(false);
            if (IsCancelled) ended.TrySetResult();
        }
    }

    /// <returns>The event; null if it is unreadable and left out.</returns>
    /// <exception cref="FlowException">The first entry is not a readable plan.</exception>
    private RunEvent? Note(Entry entry)
    {
        RunEvent? happened = Read(entry, out string problem);
        if (Plan is null)
            Plan = happened?.Plan is { Processors.Length: > 0, Streams: not null, Results: not null } plan ? plan
                : throw new FlowException(
                    $"What the run {Run} is should stand in the entry {entry.IdIn(stream, 0)} of its journal, and cannot be "
                        + $"read. {problem} If a newer version has started it, update this service; else delete the streams {stream} and "
                    + $"{FlowNames.AllValues(Run)}… from the store.")
                { Run = Run };
        if (happened is null)
        {
            calls.Warn(
                $"The entry {entry.IdIn(stream, 0)} of the journal of the run {Run} is not understood, and is left out: a newer version "
                    + $"has written it, or it is damaged. {problem}");
            return null;
        }
        lock (sync)
        {
            if (happened.IsLasting) Keep(entry.Time, happened);
            if (happened is { Kind: RunEventKind.Stuck or RunEventKind.Idle, Processor: { } waiting, Stream: { } stream })
                (happened.Kind == RunEventKind.Stuck ? stuck : idle)[waiting] = stream;
            else if (happened.Processor is { } moving)
            {
                stuck.Remove(moving);
                idle.Remove(moving);
            }
        }
        timeline?.Add(entry.Time, happened);
        if (happened.IsEnd) over.Add(happened.Processor!);
        bool hasEnded = over.Count == Plan.Processors.Length;
        if (happened.Kind == RunEventKind.CancelRequested && !hasEnded && !IsCancelled)
            (CancelReason, IsCancelled) = (happened.Error ?? "no reason was given", true);
        if (hasEnded) ended.TrySetResult();
        return happened;
    }

    private static RunEvent? Read(Entry entry, out string problem)
    {
        try
        {
            problem = "";
            return RunJson.Read<RunEvent>(entry.Payload.Span);
        }
        catch (JsonException e)
        {
            problem = e.Message;
            return null;
        }
    }
}
