using System.Text.Json;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>A partition of a processor's work stream that this service owns, with the work taken on there.</summary>
/// <remarks>
/// Thread-safe. Commits are sequential; a commit without an answer is repeated until it has one, or the partition is lost.
/// </remarks>
internal sealed class WorkPartition : IDisposable
{
    public const string Node = "work";

    private readonly StoreRetrier calls;
    private readonly AsyncLock committing = new();
    private readonly CancellationTokenSource lost = new();
    private long last;
    private long waitingSince;                       // for an answer; 0 if no call runs

    public WorkPartition(StoreRetrier calls, Ownership owner, long last)
    {
        (this.calls, Owner, this.last) = (calls, owner, last);
        Lost = lost.Token;
    }

    public Ownership Owner { get; }

    public int Number => Owner.Partition;

    /// <summary>The number of partitions of the work stream.</summary>
    public int Of { get; init; } = WorkGroup.Partitions;

    /// <summary>Cancelled when another member owns the partition: nothing can be committed any more.</summary>
    public CancellationToken Lost { get; }

    /// <summary>The running processors, by run. Belongs to the <see cref="WorkGroup"/>.</summary>
    public Dictionary<string, HostedProcessor> Running { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Leased orders that wait for the end of an earlier run of their id. This and the following members belong to the loop of the
    /// <see cref="WorkGroup"/>.
    /// </summary>
    public List<(Entry Entry, string Run)> Held { get; } = [];

    /// <summary>Whether no orders are leased any more, so that the partition moves to another service once its runs have ended.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Leased orders that cannot be read, by sequence number.</summary>
    public Dictionary<long, (string Problem, DeadLetterWrite? Letter)> Damaged { get; } = [];

    /// <summary>The runs that may have lost their order; null if not listed yet.</summary>
    public IReadOnlyList<string>? Suspects { get; set; }

    /// <summary>Whether the store cannot give out the first order here.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>Called when a commit waits for an answer no more.</summary>
    public Action? Answered { get; init; }

    /// <summary>Whether the death of the process is simulated: from then on nothing is committed.</summary>
    public Func<bool>? IsAbandoned { get; init; }

    /// <summary>Whether a commit waits for an answer.</summary>
    public bool IsWaiting => Volatile.Read(ref waitingSince) != 0;

    /// <summary>How long a commit has had no answer.</summary>
    public TimeSpan Silence => Volatile.Read(ref waitingSince) is var since and not 0 ? calls.Time.GetElapsedTime(since) : TimeSpan.Zero;

    public static StateRow Row(Assignment assignment)
        => new(Node, assignment.Run, Version: 1, JsonSerializer.SerializeToUtf8Bytes(assignment, RunJson.Default.Assignment));

    public static StateRow NoRow(string run) => new(Node, run, Version: 1, Value: null);

    /// <summary>Lists the rows of earlier owners.</summary>
    public async Task<List<Assignment>> ListAsync(StoreRetrier calls, CancellationToken cancellation)
    {
        List<Assignment> found = [];
        for (string? after = null; ;)
        {
            IReadOnlyList<StateRow> rows = await calls.DoAsync(Owner.Group.Stream,
                () => calls.Store.ListStateAsync(Owner.Group, Number, Node, after, cancellation: cancellation), cancellation)
                    .ConfigureAwait(false);
            if (rows.Count == 0) return found;
            found.AddRange(rows.Select(Read));
            after = rows[^1].Key;
        }
    }

    /// <summary>Reads the row of a run; null if there is none.</summary>
    public async Task<Assignment?> FindAsync(string run, CancellationToken cancellation)
    {
        IReadOnlyList<StateRow> rows = await calls.DoAsync(Owner.Group.Stream,
            () => calls.Store.ReadStateAsync(Owner.Group, Number, Node, [run], cancellation), cancellation).ConfigureAwait(false);
        return rows.Count == 0 ? null : Read(rows[0]);
    }

    /// <summary>Makes a commit.</summary>
    /// <param name="fill">Completes the commit; called once.</param>
    /// <param name="cancellation">Cancels the call before it is sent; later its outcome would be unknown.</param>
    /// <exception cref="OperationCanceledException">The partition is lost.</exception>
    /// <exception cref="StoreRolledBackException">The store has lost earlier commits.</exception>
    /// <exception cref="FlowException">The commit is void, for example because a stream has ended; or a stream is gone, and the commit may
    /// have been applied before.</exception>
    public async Task CommitAsync(Func<StoreCommit, StoreCommit> fill, CancellationToken cancellation = default)
    {
        await committing.EnterAsync(cancellation).ConfigureAwait(false);
        bool mayBeApplied = false;
        try
        {
            if (IsAbandoned?.Invoke() == true) await LoseAsync().ConfigureAwait(false);
            Lost.ThrowIfCancellationRequested();
            StoreCommit commit = fill(new(Owner, last + 1)) with { MustLast = true };
            commit.Check();
            Volatile.Write(ref waitingSince, Math.Max(1, calls.Time.GetTimestamp()));
            string[] streams = [Owner.Group.Stream, .. commit.Outputs.Select(output => output.Stream),
                .. commit.Ends.Select(end => end.Stream), .. commit.Cursors.Select(cursor => cursor.Stream)];
            CommitResult result = await calls.DoAsync(streams, SendAsync, Lost).ConfigureAwait(false);
            mayBeApplied = false;
            switch (result.Status)
            {
                case CommitStatus.Committed:
                    last++;
                    return;
                case CommitStatus.Stale:
                    await LoseAsync().ConfigureAwait(false);
                    Lost.ThrowIfCancellationRequested();
                    return;
                case CommitStatus.Gap or CommitStatus.NotOutstanding:
                    throw new StoreRolledBackException(
                        $"It has refused a commit of {Owner} ({result.Status}): {result.Detail}.")
                    { Stream = Owner.Group.Stream, Partition = Number, Store = calls.Store.Root };
                default:
                    throw new FlowException($"A commit of {Owner} is void: {result.Detail}");
            }

            async ValueTask<CommitResult> SendAsync()
            {
                try
                {
                    return await calls.Store.CommitAsync(commit, Lost).ConfigureAwait(false);
                }
                catch (StreamStoreException e) when (!e.IsPermanent)
                {
                    mayBeApplied = true;
                    throw;
                }
            }
        }
        catch when (mayBeApplied && !Lost.IsCancellationRequested)
        {
            await UseUpAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            Volatile.Write(ref waitingSince, 0);
            committing.Leave();
            Answered?.Invoke();
        }
    }

    /// <summary>
    /// Uses up the number of a commit with unknown outcome by an empty commit, so that the next one is not taken for it. If that fails, the
    /// partition is lost. Never throws.
    /// </summary>
    private async Task UseUpAsync()
    {
        try
        {
            var nothing = new StoreCommit(Owner, last + 1) { MustLast = true };
            CommitResult result = await calls.DoAsync(Owner.Group.Stream, () => calls.Store.CommitAsync(nothing, Lost), Lost)
                .ConfigureAwait(false);
            if (result.Status == CommitStatus.Committed) last++;
            else await LoseAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            await LoseAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Reads a row. An unreadable row still has its run as key, and fails that run.</summary>
    private Assignment Read(StateRow row)
    {
        string problem = "It has no value.";
        try
        {
            if (row.Value is { } value) return RunJson.Read<Assignment>(value.Span);
        }
        catch (JsonException e)
        {
            problem = e.Message;
        }
        return new(row.Key, Key: "", Starts: 0, Ended: false, Inputs: [], State: null)
        {
            Damage =
        $"What its host has written down about it cannot be read (the row {row.Key} of {Owner.Group}/{Number}): a newer version has "
        + $"written it, or it is damaged. {problem}"
        };
    }

    public Task LoseAsync() => lost.CancelAsync();

    public void Dispose() => lost.Dispose();
}
