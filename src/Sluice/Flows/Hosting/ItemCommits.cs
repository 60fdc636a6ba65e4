namespace Sluice;

/// <summary>Commits how far a processor has come, with what it has put out until then.</summary>
/// <remarks>Used by the processor's function, which asks for one item at a time.</remarks>
internal sealed class ItemCommits
{
    private const int EnoughItems = 250;
    private const long EnoughBytes = 256 << 10;
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(20);

    private readonly Insistence calls;
    private readonly WorkPartition partition;
    private readonly ProcessorPlan plan;
    private readonly CancellationToken life;
    private readonly AsyncLock committing = new();
    private IReadOnlyList<InputPort> inputs = [];
    private IReadOnlyList<StagedOutput> outputs = [];
    private long lastAt;
    private Assignment stored;
    private Exception? failure;

    public ItemCommits(Insistence calls, WorkPartition partition, ProcessorPlan plan, Assignment begun, CancellationToken life)
    {
        (this.calls, this.partition, this.plan, this.life, stored) = (calls, partition, plan, life, begun);
        lastAt = calls.Time.GetTimestamp();
        Staging = new(() => plan.Resume == Resume.PerItem ? CommitAsync(stored.State, onlyPassed: true) : Task.CompletedTask);
    }

    public Staging Staging { get; }

    /// <summary>What is stored of the processor.</summary>
    public Assignment Stored => stored;

    public void Connect(IReadOnlyList<InputPort> inputs, IReadOnlyList<StagedOutput> outputs) => (this.inputs, this.outputs) = (inputs, outputs);

    /// <summary>An item has been processed: commits if it is time to.</summary>
    public async ValueTask PassAsync(bool mayWait)
    {
        Staging.Pass(outputs);
        if (!mayWait && Staging.Items < EnoughItems && Staging.Bytes < EnoughBytes && calls.Time.GetElapsedTime(lastAt) < Longest) return;
        await CommitAsync(stored.State).ConfigureAwait(false);
    }

    /// <summary>Commits how far it has come, and what it has put out.</summary>
    /// <param name="state">What the function has saved last.</param>
    /// <param name="onlyPassed">Whether what the present item has put out is left for the next commit.</param>
    public Task CommitAsync(byte[]? state, bool onlyPassed = false) => CommitAsync(state, onlyPassed, end: null);

    /// <summary>The last commit.</summary>
    /// <param name="end">Adds what ends the processor.</param>
    public Task EndAsync(Func<Assignment, StoreCommit, StoreCommit> end) => CommitAsync(stored.State, onlyPassed: false, end);

    /// <summary>Notes where the reading of a stream has begun.</summary>
    public async ValueTask PlaceAsync(string stream, long place)
    {
        await committing.EnterAsync(life).ConfigureAwait(false);
        try
        {
            Assignment next = stored with { Inputs = new(stored.Inputs) { [stream] = place } };
            await partition.CommitAsync(commit => commit with { State = [WorkPartition.Row(next)] }, life).ConfigureAwait(false);
            stored = next;
        }
        finally
        {
            committing.Leave();
        }
    }

    private async Task CommitAsync(byte[]? state, bool onlyPassed, Func<Assignment, StoreCommit, StoreCommit>? end)
    {
        await committing.EnterAsync(life).ConfigureAwait(false);
        try
        {
            if (failure is not null) throw new FlowException($"The processor {plan.Name} goes on although a commit of it has failed: {failure.Message}", failure);
            lastAt = calls.Time.GetTimestamp();
            (Assignment next, List<CursorMove> moves) = Mark(state);
            if (end is null && moves.Count == 0 && Staging.Items == 0 && ReferenceEquals(state, stored.State)) return;
            List<CommitOutput> put = Staging.Take(outputs, onlyPassed);
            try
            {
                foreach (CommitOutput output in put) await WaitForRoomAsync(output).ConfigureAwait(false);
                await partition.CommitAsync(commit =>
                {
                    StoreCommit own = commit with { Outputs = put, Cursors = moves, State = [WorkPartition.Row(next)] };
                    return end is null ? own : end(next, own);
                }, life).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                failure = e;                         // what was taken out is not there any more
                throw;
            }
            finally
            {
                foreach (CommitOutput output in put) output.Entries.Dispose();
            }
            stored = next;
            if (end is not null) return;
            foreach (StagedOutput output in outputs) await output.Stream.LookAsync(output.Count).ConfigureAwait(false);
        }
        finally
        {
            committing.Leave();
        }
    }

    private (Assignment Next, List<CursorMove> Moves) Mark(byte[]? state)
    {
        var places = new Dictionary<string, long>(stored.Inputs);
        List<CursorMove> moves = [];
        foreach (InputPort input in inputs)
        {
            if (input.Mark() is not { } passed || passed <= places.GetValueOrDefault(input.Name, 1)) continue;
            places[input.Name] = passed;
            moves.Add(new(input.Stream, input.Keeper, 0, passed));
            if (!plan.Wait) moves.Add(new(input.Stream, ReaderNames.Gate(input.Keeper), 0, passed));
        }
        return (stored with { Inputs = places, State = state }, moves);
    }

    /// <summary>Nobody else writes the stream: what there is room for now, there is room for in the commit.</summary>
    private async Task WaitForRoomAsync(CommitOutput output)
    {
        OutputStream stream = outputs.First(one => one.Stream.Stream == output.Stream).Stream;
        await using var wait = new OutputWait(stream);
        while (true)
        {
            long seen = await calls.DoAsync(output.Stream, () => calls.Store.WaitForChangeAsync(output.Stream, -1, life), life).ConfigureAwait(false);
            StreamInfo info = await calls.DoAsync(output.Stream, () => calls.Store.FindStreamAsync(output.Stream, life), life).ConfigureAwait(false)
                ?? throw new FlowException($"The stream {output.Stream} is not in the store any more: the run was deleted.");
            if (info.End is not null) throw new FlowException($"The stream {stream.Name}, which the processor {plan.Name} puts out to, has ended.");
            long before = info.Readers.Where(reader => reader.Options.Gates).Select(reader => reader.Backlog).DefaultIfEmpty(0).Max();
            long bytes = info.Items == 0 ? 0 : info.Bytes * before / info.Items;
            if (before == 0 || (before + output.Entries.Count <= info.Options.MaxItems && bytes + output.Entries.Bytes <= info.Options.MaxBytes)) return;
            await stream.RestAsync(wait.WaitAsync(seen, calls.ReaderPatience), life).ConfigureAwait(false);
        }
    }
}
