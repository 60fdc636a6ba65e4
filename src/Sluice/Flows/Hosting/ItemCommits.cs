using System.Runtime.ExceptionServices;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>Commits a processor's positions in its inputs together with the output up to there.</summary>
/// <remarks>
/// Called by the function, between its items, and by a timer, so that the output of short items does not wait for the end of a long one.
/// </remarks>
internal sealed class ItemCommits : IDisposable
{
    private const int EnoughItems = 250;
    private const long EnoughBytes = 256 << 10;
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(20);

    private readonly StoreRetrier calls;
    private readonly WorkPartition partition;
    private readonly ProcessorPlan plan;
    private readonly CancellationTokenSource stopping;
    private readonly CancellationToken life;
    private readonly AsyncLock committing = new();
    private readonly ITimer timer;
    private IReadOnlyList<InputPort> inputs = [];
    private IReadOnlyList<StagedOutput> outputs = [];
    private long lastAt;
    private int isTimerSet;
    private Assignment stored;
    private Exception? failure;
    private bool wasFailureThrown;
    private bool hasEnded;

    public ItemCommits(StoreRetrier calls, WorkPartition partition, ProcessorPlan plan, Assignment begun, CancellationToken life)
    {
        (this.calls, this.partition, this.plan, stored) = (calls, partition, plan, begun);
        stopping = CancellationTokenSource.CreateLinkedTokenSource(life);
        this.life = stopping.Token;
        lastAt = calls.Time.GetTimestamp();
        timer = calls.Time.CreateTimer(_ => _ = CommitPassedAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Staging = new(() => plan.Resume == ResumeMode.PerItem ? CommitAsync(stored.State, onlyPassed: true) : Task.CompletedTask,
            plan.Inputs.Length + plan.Outputs.Length);
    }

    public Staging Staging { get; }

    /// <summary>The stored row of the processor.</summary>
    public Assignment Stored => stored;

    public void Connect(IReadOnlyList<InputPort> inputs, IReadOnlyList<StagedOutput> outputs)
        => (this.inputs, this.outputs) = (inputs, outputs);

    /// <summary>Notes that an item was processed, and commits if it is time.</summary>
    public async ValueTask PassAsync(bool mayWait)
    {
        Staging.Pass(inputs, outputs);
        if (mayWait || Staging.Items >= EnoughItems || Staging.Bytes >= EnoughBytes
            || calls.Time.GetElapsedTime(Volatile.Read(ref lastAt)) >= Longest) await CommitAsync(stored.State).ConfigureAwait(false);
        else if (Interlocked.Exchange(ref isTimerSet, 1) == 0) timer.Change(2 * Longest, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Commits the positions and the output.</summary>
    /// <param name="state">The state that the function has saved last.</param>
    /// <param name="onlyPassed">Whether the output of the current item stays for the next commit.</param>
    public Task CommitAsync(byte[]? state, bool onlyPassed = false) => CommitAsync(state, onlyPassed, end: null);

    /// <summary>Makes the last commit.</summary>
    /// <param name="end">Adds the end of the processor.</param>
    public Task EndAsync(Func<Assignment, StoreCommit, StoreCommit> end) => CommitAsync(stored.State, onlyPassed: false, end);

    /// <summary>Stores where the reading of a stream has begun.</summary>
    public ValueTask PlaceAsync(string stream, long place)
        => ChangeAsync(row => row with { Inputs = new(row.Inputs) { [stream] = place } });

    /// <summary>Stores another row of the processor.</summary>
    public async ValueTask ChangeAsync(Func<Assignment, Assignment> change)
    {
        await committing.EnterAsync(life).ConfigureAwait(false);
        try
        {
            ThrowIfOver();
            Assignment next = change(stored);
            await calls.WatchAsync(() => partition.CommitAsync(commit => commit with { State = [WorkPartition.Row(next)] }, life))
                .ConfigureAwait(false);
            stored = next;
        }
        finally
        {
            committing.Leave();
        }
    }

    /// <summary>Stops all commits and waits for a running one, after a function that has not completed. Never throws.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await committing.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        committing.Leave();
    }

    public void Dispose()
    {
        timer.Dispose();
        stopping.Dispose();
    }

    /// <summary>
    /// Commits, by timer, the output of earlier items while the current one continues; without room, the output stays. Never throws: the
    /// next commit throws its failure.
    /// </summary>
    private async Task CommitPassedAsync()
    {
        if (Staging.Items > 0 && Longest - calls.Time.GetElapsedTime(Volatile.Read(ref lastAt)) is var early && early > TimeSpan.Zero)
        {
            timer.Change(early, Timeout.InfiniteTimeSpan);           // the function has committed meanwhile
            return;
        }
        Volatile.Write(ref isTimerSet, 0);
        try
        {
            foreach (StagedOutput output in outputs)
                if (output.Items > 0 && !await HasRoomAsync(output.Stream, output.Items, output.Bytes).ConfigureAwait(false)) return;
            await CommitAsync(stored.State, onlyPassed: true, end: null, byTimer: true).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Stopped, or the store is away; then the next commit says so.
        }
    }

    private async Task CommitAsync(byte[]? state, bool onlyPassed, Func<Assignment, StoreCommit, StoreCommit>? end, bool byTimer = false)
    {
        await committing.EnterAsync(life).ConfigureAwait(false);
        try
        {
            ThrowIfOver();
            if (failure is not null && byTimer) return;
            ThrowFailure();
            Volatile.Write(ref lastAt, calls.Time.GetTimestamp());
            (List<CommitOutput> put, long?[] places) = Staging.Take(inputs, outputs, onlyPassed);
            (Assignment next, List<CursorCommit> moves) = Mark(state, places);
            if (end is null && moves.Count == 0 && put.Count == 0 && ReferenceEquals(state, stored.State)) return;
            try
            {
                if (!byTimer)
                    foreach (CommitOutput output in put) await WaitForRoomAsync(output).ConfigureAwait(false);
                await calls.WatchAsync(() => partition.CommitAsync(commit =>
                {
                    StoreCommit own = commit with { Outputs = put, Cursors = moves, State = [WorkPartition.Row(next)] };
                    return end is null ? own : end(next, own);
                }, life)).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                (failure, wasFailureThrown) = (e, !byTimer);         // its values were taken out and are gone
                throw;
            }
            finally
            {
                foreach (CommitOutput output in put) output.Entries.Dispose();
            }
            stored = next;
            hasEnded = end is not null;
            if (hasEnded || byTimer) return;
            foreach (StagedOutput output in outputs) await output.Stream.LookAsync(output.Count).ConfigureAwait(false);
        }
        finally
        {
            committing.Leave();
        }
    }

    /// <summary>Throws if the row must not change any more; call it under the lock.</summary>
    private void ThrowIfOver()
    {
        if (hasEnded) throw LeftBehind(plan.Name);
        life.ThrowIfCancellationRequested();
    }

    /// <summary>What a task gets that a function has left behind.</summary>
    public static FlowException LeftBehind(string processor) => new(
        $"The function of the processor {processor} has returned, and something that it has left behind reads or writes on; that is lost. "
            + $"Wait for its tasks before it returns.")
    { Processor = processor };

    private void ThrowFailure()
    {
        if (failure is null) return;
        if (wasFailureThrown) throw new FlowException(
            $"The processor {plan.Name} goes on although a commit of it has failed: {failure.Message}", failure);
        wasFailureThrown = true;
        ExceptionDispatchInfo.Throw(failure);
    }

    private (Assignment Next, List<CursorCommit> Moves) Mark(byte[]? state, long?[] marks)
    {
        var places = new Dictionary<string, long>(stored.Inputs);
        List<CursorCommit> moves = [];
        foreach (var (input, mark) in inputs.Zip(marks))
        {
            if (mark is not { } passed || passed <= places.GetValueOrDefault(input.Name, 1)) continue;
            places[input.Name] = passed;
            moves.Add(new(input.Stream, input.Keeper, 0, passed));
            if (!plan.Wait) moves.Add(new(input.Stream, ReaderNames.Gate(input.Keeper), 0, passed));
        }
        bool hasMoved = moves.Count > 0 || !ReferenceEquals(state, stored.State);
        return (stored with
        {
            Inputs = places,
            State = state,
            Fruitless = hasMoved ? 0 : stored.Fruitless,
            Failures = hasMoved ? 0 : stored.Failures
        }, moves);
    }

    /// <summary>Waits for room. Once there is room, the commit has it, because the stream has no other writer.</summary>
    private async Task WaitForRoomAsync(CommitOutput output)
    {
        OutputStream stream = outputs.First(one => one.Stream.Stream == output.Stream).Stream;
        await using var wait = new OutputWait(stream);
        while (true)
        {
            long seen = await calls.DoAsync(output.Stream, () => calls.Store.WaitForChangeAsync(output.Stream, -1, life), life)
                .ConfigureAwait(false);
            if (await HasRoomAsync(stream, output.Entries.Count, output.Entries.Bytes).ConfigureAwait(false)) return;
            await stream.RestAsync(wait.WaitAsync(seen, calls.ReaderTimeout), life).ConfigureAwait(false);
        }
    }

    private async Task<bool> HasRoomAsync(OutputStream stream, int items, long bytes)
    {
        StreamInfo info = await calls.DoAsync(stream.Stream, () => calls.Store.FindStreamAsync(stream.Stream, life), life)
            .ConfigureAwait(false)
            ?? throw new FlowException($"The stream {stream.Stream} is not in the store any more: the run was deleted.");
        if (info.End is not null) throw new FlowException(
            $"The stream {stream.Name}, which the processor {plan.Name} puts out to, has ended.");
        long before = info.Readers.Where(reader => reader.Options.AppliesBackpressure).Select(reader => reader.Backlog).DefaultIfEmpty(0)
            .Max();
        long present = info.Items == 0 ? 0 : info.Bytes * before / info.Items;
        return before == 0 || (before + items <= info.Options.MaxItems && present + bytes <= info.Options.MaxBytes);
    }
}
