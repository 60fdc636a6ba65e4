namespace Sluice;

/// <summary>Whoever produces into an inlet, as seen from the inlet: it can be told that no more is wanted.</summary>
internal interface IUpstream
{
    /// <summary>No more items are wanted. May be called from any thread, and more than once; items that come all the same are dropped.</summary>
    void Stop();
}

/// <summary>
/// Where a stage takes its items in: the receiving end of an edge. A run is a tree of inlets, each holding the next.
/// </summary>
/// <remarks>
/// Locking rule: calls to one inlet never overlap. One island (a pump and the stages fused to it) calls it at a time; a
/// push that returned an incomplete task must be awaited before the next call. What may be called from anywhere says so.
/// Value and ticket travel as two arguments: a struct of both costs three times as much.
/// </remarks>
internal abstract class Inlet<T> : IInlet
{
    private int openInputs = 1;

    /// <summary>The node this inlet belongs to.</summary>
    public int Node { get; protected set; }

    /// <summary>Who produces into this inlet; several after a merge.</summary>
    public IUpstream? Upstream { get; private set; }

    /// <summary>How many producers have not completed.</summary>
    public bool HasOneInput => openInputs == 1;

    /// <summary>Whether <see cref="IsReady"/> may ever be false: only for operators that combine several inputs.</summary>
    public virtual bool IsSelective => false;

    /// <summary>Whether it takes an item now.</summary>
    public virtual bool IsReady => true;

    /// <summary>
    /// Whether the last thing it does with an item, if anything, is to push something into a boundary: nothing else would wait if
    /// the thread then went on with what is behind that (<see cref="Turn"/>).
    /// </summary>
    public virtual bool HandsOn => false;

    /// <summary>Takes an item. Completed synchronously unless something further down has to wait.</summary>
    public abstract ValueTask PushAsync(T item, Ticket? ticket);

    /// <summary>
    /// Takes items straight out of the ring in front of it: up to <paramref name="count"/> of those that are there, less
    /// where one has to wait. A stage that can do better than one push per item overrides it.
    /// </summary>
    public virtual ValueTask PullAsync(Ring<T> ring, PipelineRun run, int count, ref int taken)
    {
        while (taken < count)
        {
            if (run.IsStopping) throw new RunStoppedException();
            if (IsSelective && !IsReady) break;
            T item = ring.Take(out Ticket? ticket);
            taken++;
            ValueTask pushed = PushAsync(item, ticket);
            if (!pushed.IsCompletedSuccessfully) return pushed;
        }
        return default;
    }

    /// <summary>Called while the run is built: the node that fills it, for those who want to know what it waits for.</summary>
    public virtual void ComesFrom(int from) { }

    /// <summary>The producer is about to wait: whatever rests in batches is to go on its way now.</summary>
    /// <remarks>
    /// The one call that may overlap with others: with the push that the producer is about to wait for, which goes on
    /// elsewhere meanwhile, and with the tick of a timed stage in between.
    /// </remarks>
    public virtual void Flush() { }

    /// <summary>A producer has come to its end; when all have, the stage ends, and then the stages after it.</summary>
    public ValueTask CompleteAsync() => --openInputs == 0 ? OnCompleteAsync() : default;

    /// <summary>Called while the run is built, when several producers share this inlet.</summary>
    public void ShareAmong(int inputs) => openInputs += inputs - 1;

    /// <summary>Called while the run is built.</summary>
    public virtual void Attach(IUpstream upstream) => Upstream = Upstream is null ? upstream : new Both(Upstream, upstream);

    protected abstract ValueTask OnCompleteAsync();

    private sealed class Both(IUpstream first, IUpstream second) : IUpstream
    {
        public void Stop()
        {
            first.Stop();
            second.Stop();
        }
    }
}

/// <summary>An inlet of whatever type.</summary>
internal interface IInlet
{
    int Node { get; }

    bool IsReady { get; }

    void ComesFrom(int from);

    void Flush();

    ValueTask CompleteAsync();
}
