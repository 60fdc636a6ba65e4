using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>The producer into an inlet; the inlet can stop it.</summary>
internal interface IUpstream
{
    /// <summary>Ends the demand for items. Any thread, any number of times; items that arrive later are dropped.</summary>
    void Stop();
}

/// <summary>
/// Where a stage takes its items in: the receiving end of an edge. A run is a tree of inlets, each holding the next.
/// </summary>
/// <remarks>
/// Calls to one inlet never overlap: one island (a pump and the stages fused to it) calls it at a time. If a push returns an incomplete
/// task, the island awaits it before the next call. Members that any thread may call say so. Value and ticket travel as two arguments: a
/// struct of both costs three times as much.
/// </remarks>
internal abstract class Inlet<T> : IInlet
{
    private int openInputs = 1;

    /// <summary>The number of the node that this inlet belongs to.</summary>
    public int Node { get; protected set; }

    /// <summary>The producer into this inlet; it combines several after a merge.</summary>
    public IUpstream? Upstream { get; private set; }

    /// <summary>Whether exactly one producer has not completed yet.</summary>
    public bool HasOneInput => openInputs == 1;

    /// <summary>Whether <see cref="IsReady"/> may ever be false. True only for operators that combine several inputs.</summary>
    public virtual bool IsSelective => false;

    /// <summary>Whether the inlet takes an item now.</summary>
    public virtual bool IsReady => true;

    /// <summary>
    /// Whether pushing into a boundary is the last thing that it does with an item. The thread may then continue behind the boundary
    /// without making other work wait (<see cref="Turn"/>).
    /// </summary>
    public virtual bool HandsOn => false;

    /// <summary>Whether what is pushed rests behind it until <see cref="Flush"/>, or until the item has ended: in the lanes of a parallel
    /// stage.</summary>
    public virtual bool HoldsOutputs => false;

    /// <summary>Takes an item. Completes synchronously unless a stage further down has to wait.</summary>
    public abstract ValueTask PushAsync(T item, Ticket? ticket);

    /// <summary>
    /// Takes up to <paramref name="count"/> of the available items directly from the ring in front of it; fewer if an item has to wait.
    /// Stages that have a faster way than one push per item override it.
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

    /// <summary>Tells the node that feeds this inlet, for reports about waits. Called while the run is built.</summary>
    public virtual void ComesFrom(int from) { }

    /// <summary>Passes on everything that rests in batches, because the producer is about to wait.</summary>
    /// <remarks>
    /// The only call that may overlap with others: with the push that the producer is about to wait for, and with the tick of
    /// a timed stage in between.
    /// </remarks>
    public virtual void Flush() { }

    /// <summary>Completes one producer. When all producers have completed, the stage completes, and then the stages after it.</summary>
    public ValueTask CompleteAsync() => --openInputs == 0 ? OnCompleteAsync() : default;

    /// <summary>Sets the number of producers that share this inlet. Called while the run is built.</summary>
    public void ShareAmong(int inputs) => openInputs += inputs - 1;

    /// <summary>Adds a producer's <see cref="IUpstream"/>. Called while the run is built.</summary>
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

/// <summary>An inlet without its item type.</summary>
internal interface IInlet
{
    int Node { get; }

    bool IsReady { get; }

    void ComesFrom(int from);

    void Flush();

    ValueTask CompleteAsync();
}
